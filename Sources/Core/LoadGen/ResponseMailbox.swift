import Glibc
import Synchronization

/// Carries responses from the completing threads to the thread that writes the accuracy log.
///
/// Responses are copied into chunks that the writer empties while the run goes on, so memory does not grow with the log;
/// when the writer falls far behind, completing threads wait for it.
final class ResponseMailbox: Sendable {
    /// One response with its bytes, as the writer gets it.
    struct Entry {
        var sample: UInt64
        var index: UInt64
        var tokenCount: UInt64
        var data: UnsafeRawBufferPointer
        var firstToken: UnsafeRawBufferPointer
    }

    private struct Header {
        var sample: UInt64
        var index: UInt64
        var tokenCount: UInt64
        var dataSize: Int
        var firstTokenSize: Int
    }

    private static let chunkSize = 1 << 20
    private static let backlogLimit = 64 << 20

    private struct Queue {
        var full: [[UInt8]] = []
        var filling: [UInt8] = []
        var spare: [[UInt8]] = []
        var backlog = 0
        var firstTokens: [UInt64: [UInt8]] = [:]
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let hasTokens: Bool
    private let wantsFirstTokens: Bool

    /// - Parameters:
    ///   - hasTokens: Whether entries carry token counts.
    ///   - wantsFirstTokens: Whether entries carry the first token's bytes.
    init(hasTokens: Bool, wantsFirstTokens: Bool) {
        self.hasTokens = hasTokens
        self.wantsFirstTokens = wantsFirstTokens
    }

    /// Bytes that wait to be written.
    var backlog: Int { queue.withLock { $0.backlog } }

    func putFirstToken(sample: UInt64, bytes: UnsafeRawBufferPointer) {
        guard wantsFirstTokens else { return }
        queue.withLock { $0.firstTokens[sample] = [UInt8](bytes) }
    }

    func putResponse(sample: UInt64, index: UInt64, bytes: UnsafeRawBufferPointer, tokenCount: UInt64) {
        while true {
            let isStored = queue.withLock { queue in
                guard !queue.isClosed else { return true }
                guard queue.backlog < Self.backlogLimit else { return false }
                let token = queue.firstTokens.removeValue(forKey: sample) ?? []
                let header = Header(
                    sample: sample,
                    index: index,
                    tokenCount: tokenCount,
                    dataSize: bytes.count,
                    firstTokenSize: token.count
                )
                if queue.filling.capacity == 0 {
                    queue.filling = queue.spare.popLast() ?? []
                    queue.filling.reserveCapacity(Self.chunkSize)
                }
                withUnsafeBytes(of: header) { queue.filling.append(contentsOf: $0) }
                queue.filling.append(contentsOf: bytes)
                queue.filling.append(contentsOf: token)
                queue.backlog += MemoryLayout<Header>.size + bytes.count + token.count
                if queue.filling.count >= Self.chunkSize {
                    queue.full.append(queue.filling)
                    queue.filling = []
                }
                return true
            }
            guard !isStored else { return }
            usleep(1000)
        }
    }

    /// Takes no more responses; whoever waits for room goes on.
    func close() {
        queue.withLock { $0.isClosed = true }
    }

    /// Hands all responses that are there to `body`, oldest first.
    ///
    /// - Returns: Whether there were any.
    func drain(_ body: (Entry) -> Void) -> Bool {
        var any = false
        while true {
            let chunk: [UInt8]? = queue.withLock { queue in
                if !queue.full.isEmpty { return queue.full.removeFirst() }
                guard !queue.filling.isEmpty else { return nil }
                let chunk = queue.filling
                queue.filling = []
                return chunk
            }
            guard var chunk else { return any }
            any = true
            chunk.withUnsafeBytes { bytes in
                var offset = 0
                while offset < bytes.count {
                    let header = bytes.loadUnaligned(fromByteOffset: offset, as: Header.self)
                    offset += MemoryLayout<Header>.size
                    let data = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + header.dataSize])
                    offset += header.dataSize
                    let token = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + header.firstTokenSize])
                    offset += header.firstTokenSize
                    body(
                        Entry(
                            sample: header.sample,
                            index: header.index,
                            tokenCount: header.tokenCount,
                            data: data,
                            firstToken: token
                        )
                    )
                }
            }
            let size = chunk.count
            chunk.removeAll(keepingCapacity: true)
            queue.withLock { queue in
                queue.backlog -= size
                // One spare chunk suffices: while the writer empties one, the next fills.
                if queue.spare.count < 2, chunk.capacity <= 2 * Self.chunkSize {
                    queue.spare.append(chunk)
                }
            }
        }
    }
}
