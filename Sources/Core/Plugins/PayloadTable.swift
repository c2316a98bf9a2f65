import CPluginAPI
import Glibc

/// The payload of every loaded sample, by index, so that issuing asks the plugin nothing.
final class PayloadTable: @unchecked Sendable {
    struct Entry {
        var payload: mlp_bytes
        var tokenCount: UInt64
        var isLoaded: Bool
    }

    private let count: Int
    private let entries: UnsafeMutablePointer<Entry>
    private let byteCount: Int

    /// A table for `count` samples.
    ///
    /// Its pages cost nothing until they are used.
    init(count: Int) throws {
        let (bytes, overflow) = max(1, count).multipliedReportingOverflow(by: MemoryLayout<Entry>.stride)
        let memory =
            overflow
            ? MAP_FAILED
            : mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory, memory != MAP_FAILED else { throw PayloadTableError(sampleCount: count) }
        self.count = count
        byteCount = bytes
        // Fresh pages are zero, which is a valid `Entry` that is not loaded.
        entries = memory.bindMemory(to: Entry.self, capacity: max(1, count))
    }

    deinit { munmap(entries, byteCount) }

    @inline(__always)
    subscript(index: UInt64) -> Entry? {
        guard index < UInt64(count), entries[Int(index)].isLoaded else { return nil }
        return entries[Int(index)]
    }

    func set(_ index: UInt64, _ payload: mlp_bytes, tokenCount: UInt64) {
        guard index < UInt64(count) else { return }
        entries[Int(index)] = Entry(payload: payload, tokenCount: tokenCount, isLoaded: true)
    }

    func remove(_ index: UInt64) {
        guard index < UInt64(count) else { return }
        entries[Int(index)] = Entry(payload: mlp_bytes(data: nil, size: 0), tokenCount: 0, isLoaded: false)
    }
}

/// A data set of this many samples cannot be indexed on this machine.
struct PayloadTableError: Error, CustomStringConvertible {
    var sampleCount: Int
    var description: String { "no address space for a table of \(sampleCount) samples" }
}
