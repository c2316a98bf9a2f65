import Synchronization

/// Pinned host memory through which weights go to devices: a few buffers, each in use until the copy out of it is done.
///
/// So reading files and copying overlap, and the host holds no more of the weights than these, whatever the model's size.
final class StagingBuffers: @unchecked Sendable {
    /// Bytes of each.
    let size: Int
    /// How many there are.
    let count: Int

    private let backend: any DeviceBackend
    private let memory: [UnsafeMutableRawPointer]
    private let free: Mutex<[Buffer]>
    private let available = Semaphore()

    /// A buffer that may be taken, with the mark of the last copy out of it; only who takes it uses the mark.
    private struct Buffer: @unchecked Sendable {
        var index: Int
        var copied: (any DeviceEvent)?
    }

    /// Allocates the buffers.
    ///
    /// - Throws: What the backend says of pinned memory that it cannot give.
    init(_ backend: any DeviceBackend, count: Int, size: Int, purpose: String) throws(DeviceError) {
        self.backend = backend
        self.count = count
        self.size = size
        var memory: [UnsafeMutableRawPointer] = []
        do throws(DeviceError) {
            for _ in 0..<count { memory.append(try backend.allocatePinned(size: UInt64(size), purpose: purpose)) }
        } catch {
            for piece in memory { try? backend.deallocatePinned(piece) }
            throw error
        }
        self.memory = memory
        free = Mutex(memory.indices.map { Buffer(index: $0, copied: nil) })
        for _ in memory { available.signal() }
    }

    deinit { for piece in memory { try? backend.deallocatePinned(piece) } }

    /// A buffer that nothing is copied out of any more; waits for one.
    ///
    /// - Throws: The error of the copy that was made from it before. The buffer is free again then.
    func take() throws(DeviceError) -> (index: Int, memory: UnsafeMutableRawPointer) {
        available.wait()
        let taken = free.withLock { $0.removeFirst() }
        do throws(DeviceError) {
            try taken.copied?.synchronize()
        } catch {
            give(taken.index, after: nil)
            throw error
        }
        return (taken.index, memory[taken.index])
    }

    /// Gives a buffer back; `event` is passed when the copy out of it is done, nil if there is none.
    func give(_ index: Int, after event: (any DeviceEvent)?) {
        let buffer = Buffer(index: index, copied: event)
        free.withLock { $0.append(buffer) }
        available.signal()
    }
}
