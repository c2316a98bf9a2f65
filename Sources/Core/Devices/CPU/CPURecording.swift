import CPluginAPI
import Glibc

/// Launches, copies and fills with all their values, laid out once and walked often without allocating.
final class CPURecording: DeviceRecording {
    /// One step.
    struct Operation {
        let count: UInt64
        let body: ThreadPool.RangeBody
        let context: UnsafeMutableRawPointer
    }

    private(set) var operations: [Operation] = []
    private var memory: [UnsafeMutableRawPointer] = []
    /// Keeps the twins' signatures.
    private var kernels: [CPUKernels] = []

    deinit {
        for piece in memory { free(piece) }
    }

    func appendLaunch(
        _ kernel: CPUKernel,
        _ index: UInt32,
        of kernels: CPUKernels,
        grid: UnsafePointer<mlp_grid>,
        blocks: UInt64,
        arguments: UnsafePointer<UnsafeRawPointer?>?,
        count: UInt32
    ) throws(DeviceError) {
        if self.kernels.last !== kernels { self.kernels.append(kernels) }
        // One piece: the launch, the grid, the pointers to the arguments, their values in slots of eight bytes.
        let launchSize = (MemoryLayout<CPULaunch>.stride + 7) & ~7
        let gridSize = (MemoryLayout<mlp_grid>.stride + 7) & ~7
        let count = Int(count)
        let piece = try take(launchSize + gridSize + count * 16)
        let gridCopy = (piece + launchSize).bindMemory(to: mlp_grid.self, capacity: 1)
        gridCopy.initialize(to: grid.pointee)
        let pointers = (piece + launchSize + gridSize).bindMemory(to: UnsafeRawPointer?.self, capacity: count)
        let values = piece + launchSize + gridSize + count * 8
        for (place, letter) in kernels.letters(of: index).utf8.enumerated() {
            let slot = values + place * 8
            if let value = arguments?[place] {
                memcpy(slot, value, letter == UInt8(ascii: "i") || letter == UInt8(ascii: "f") ? 4 : 8)
            }
            (pointers + place).initialize(to: UnsafeRawPointer(slot))
        }
        piece.bindMemory(to: CPULaunch.self, capacity: 1)
            .initialize(to: CPULaunch(kernel: kernel, grid: gridCopy, arguments: UnsafePointer(pointers)))
        operations.append(Operation(count: blocks, body: CPULaunch.runRange, context: piece))
    }

    func append(_ transfer: CPUTransfer) throws(DeviceError) {
        let piece = try take(MemoryLayout<CPUTransfer>.stride)
        piece.bindMemory(to: CPUTransfer.self, capacity: 1).initialize(to: transfer)
        operations.append(Operation(count: transfer.pieces, body: CPUTransfer.runRange, context: piece))
    }

    /// Walks the operations: one with a single range runs on the calling thread at once, for the others the caller
    /// publishes a loop that the pool's threads, awake since the first, join.
    func replay(on pool: ThreadPool) {
        operations.withUnsafeBufferPointer { operations in
            if pool.threadCount == 1 || ThreadPool.isInsideBody {
                for operation in operations {
                    pool.runAlone(count: operation.count, context: operation.context, body: operation.body)
                }
                return
            }
            pool.acquire()
            for operation in operations {
                if operation.count <= 1 {
                    pool.runAlone(count: operation.count, context: operation.context, body: operation.body)
                } else {
                    pool.runShared(
                        count: operation.count,
                        context: operation.context,
                        cut: .longThenShort,
                        body: operation.body
                    )
                }
            }
            pool.release()
        }
    }

    private func take(_ size: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
        guard let piece = calloc(1, size) else { throw .outOfMemory("recording: no memory for \(size) bytes") }
        memory.append(piece)
        return piece
    }
}

/// A copy or a fill, cut into pieces that threads share out.
struct CPUTransfer {
    /// Bytes of a piece: enough to be worth a thread's while.
    private static let piece: UInt64 = 256 << 10

    let to: UnsafeMutableRawPointer
    /// `nil` for a fill.
    let from: UnsafeRawPointer?
    let size: UInt64
    let value: UInt8

    /// Overlapping copies stay in one piece.
    var pieces: UInt64 {
        guard let from else { return (size &+ (Self.piece - 1)) / Self.piece }
        let (start, source) = (UInt(bitPattern: to), UInt(bitPattern: from))
        let distance = UInt64(start > source ? start - source : source - start)
        return distance < size ? 1 : (size &+ (Self.piece - 1)) / Self.piece
    }

    static let runRange: ThreadPool.RangeBody = { context, first, last in
        guard let transfer = context?.assumingMemoryBound(to: CPUTransfer.self).pointee else { return }
        let whole = transfer.pieces == 1
        let start = whole ? 0 : Int(first &* piece)
        let end = whole ? Int(transfer.size) : Int(min(last &* piece, transfer.size))
        if let from = transfer.from {
            memmove(transfer.to + start, from + start, end - start)
        } else {
            memset(transfer.to + start, Int32(transfer.value), end - start)
        }
    }
}
