import Synchronization

/// Lends each encoding thread its ``EncodingBuffers``, so that a text needs no new memory.
final class BufferPool: Sendable {
    private struct Idle: ~Copyable, @unchecked Sendable {
        // Reached under the lock only; buffers taken out belong to one caller until they come back.
        var buffers: [EncodingBuffers] = []
    }

    // More than this many would hold memory for a burst of threads that is over.
    private static let limit = 64

    private let idle = Mutex(Idle())

    func withBuffers<Result>(_ body: (EncodingBuffers) throws -> Result) rethrows -> Result {
        let box = idle.withLock { Box($0.buffers.popLast()) }
        let buffers = box.buffers ?? EncodingBuffers()
        defer {
            let returned = Box(buffers)
            idle.withLock { idle in
                if idle.buffers.count < Self.limit, let buffers = returned.buffers { idle.buffers.append(buffers) }
            }
        }
        return try body(buffers)
    }

    private struct Box: @unchecked Sendable {
        let buffers: EncodingBuffers?

        init(_ buffers: EncodingBuffers?) { self.buffers = buffers }
    }
}
