import Glibc
import Synchronization

/// Memory for kernels on the CPU, counted against a budget.
final class CPUMemory: Sendable {
    private struct Book {
        /// Sizes of the pieces that are out, by address.
        var sizes: [UInt: UInt64] = [:]
        var used: UInt64 = 0
    }

    /// Bytes that may be given out in all.
    let budget: UInt64
    private let book = Mutex(Book())

    init(budget: UInt64) { self.budget = budget }

    deinit {
        book.withLock { book in
            for (address, size) in book.sizes { Self.giveBack(address, size) }
        }
    }

    var free: UInt64 { book.withLock { budget - $0.used } }

    /// Bytes and pieces that are out.
    var outstanding: (bytes: UInt64, count: Int) { book.withLock { ($0.used, $0.sizes.count) } }

    /// From this size on memory comes in huge pages, straight from the system and straight back to it.
    private static let hugePage: UInt64 = 2 << 20

    func allocate(_ size: UInt64, purpose: String) throws(DeviceError) -> UnsafeMutableRawPointer {
        let rounding = size >= Self.hugePage ? Self.hugePage : 256
        let (padded, overflow) = max(size, 1).addingReportingOverflow(rounding - 1)
        let rounded = padded / rounding * rounding
        let address: UInt = book.withLock { book in
            guard !overflow, rounded <= budget - book.used, let memory = Self.take(rounded) else { return 0 }
            let address = UInt(bitPattern: memory)
            book.sizes[address] = rounded
            book.used += rounded
            return address
        }
        guard let memory = UnsafeMutableRawPointer(bitPattern: address) else {
            throw .outOfMemory(
                "out of memory: \(purpose) asked for \(size) bytes, \(free) of the \(budget) bytes of host memory in "
                    + "the budget are free"
            )
        }
        return memory
    }

    /// Whether `memory` was given out by `allocate` and is now given back.
    func deallocate(_ memory: UnsafeMutableRawPointer) -> Bool {
        let address = UInt(bitPattern: memory)
        return book.withLock { book in
            guard let size = book.sizes.removeValue(forKey: address) else { return false }
            book.used -= size
            Self.giveBack(address, size)
            return true
        }
    }

    private static func take(_ size: UInt64) -> UnsafeMutableRawPointer? {
        guard let size = Int(exactly: size) else { return nil }
        guard size >= Int(hugePage) else {
            var memory: UnsafeMutableRawPointer?
            return posix_memalign(&memory, 256, size) == 0 ? memory : nil
        }
        // Map one huge page too much and give back what lies outside the alignment.
        let extra = Int(hugePage)
        let (length, overflow) = size.addingReportingOverflow(extra)
        guard !overflow else { return nil }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let mapped = mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0), mapped != MAP_FAILED else {
            return nil
        }
        let before = (extra - Int(UInt(bitPattern: mapped) % UInt(extra))) % extra
        if before > 0 { munmap(mapped, before) }
        if extra > before { munmap(mapped + before + size, extra - before) }
        madvise(mapped + before, size, MADV_HUGEPAGE)
        return mapped + before
    }

    private static func giveBack(_ address: UInt, _ size: UInt64) {
        guard let memory = UnsafeMutableRawPointer(bitPattern: address) else { return }
        if size >= hugePage { munmap(memory, Int(size)) } else { Glibc.free(memory) }
    }
}
