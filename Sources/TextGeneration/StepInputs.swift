import PluginAPI

/// What changes from step to step: one block of int32 in pinned memory that the scheduler writes, its twin on the
/// device that the kernels read, and the tokens that come back.
final class StepInputs {
    /// Rows that a step may have.
    let rowCapacity: Int
    /// Rows whose logits a step may compute.
    let logitCapacity: Int

    private static let liveRowsOffset = 0
    private static let liveLogitsOffset = 1
    private let tokensOffset: Int
    private let positionsOffset: Int
    private let slotsOffset: Int
    private let logitRowsOffset: Int
    /// Elements of the block.
    let count: Int

    /// The block that the scheduler writes.
    let staged: UnsafeMutablePointer<Int32>
    /// The block that the kernels read.
    let device: UnsafeMutablePointer<Int32>
    /// On the device: the token chosen for each logit row.
    let chosenOnDevice: UnsafeMutablePointer<Int32>
    /// The same in pinned memory, valid once the step has been waited for.
    let chosen: UnsafeMutablePointer<Int32>

    init(rowCapacity: Int, logitCapacity: Int, memory: DeviceMemory) throws {
        self.rowCapacity = rowCapacity
        self.logitCapacity = logitCapacity
        tokensOffset = 2
        positionsOffset = tokensOffset + rowCapacity
        slotsOffset = positionsOffset + rowCapacity
        logitRowsOffset = slotsOffset + rowCapacity
        count = logitRowsOffset + logitCapacity
        staged = try memory.allocatePinned(Int32.self, count, purpose: "step inputs")
        device = try memory.allocate(Int32.self, count, purpose: "step inputs")
        chosenOnDevice = try memory.allocate(Int32.self, logitCapacity, purpose: "chosen tokens")
        chosen = try memory.allocatePinned(Int32.self, logitCapacity, purpose: "chosen tokens")
    }

    /// Rows written so far.
    var rows: Int { Int(staged[Self.liveRowsOffset]) }
    /// Logit rows written so far.
    var logits: Int { Int(staged[Self.liveLogitsOffset]) }

    /// Begins a step.
    func removeAll() {
        staged[Self.liveRowsOffset] = 0
        staged[Self.liveLogitsOffset] = 0
    }

    /// Adds a position of a sequence.
    @inline(__always)
    func appendRow(token: Int32, position: Int, slot: Int) {
        let row = rows
        staged[tokensOffset + row] = token
        staged[positionsOffset + row] = Int32(truncatingIfNeeded: position)
        staged[slotsOffset + row] = Int32(truncatingIfNeeded: slot)
        staged[Self.liveRowsOffset] = Int32(truncatingIfNeeded: row + 1)
    }

    /// Asks for the logits of the row added last.
    ///
    /// - Returns: Where the chosen token will stand.
    @inline(__always)
    func appendLogitRow() -> Int {
        let index = logits
        staged[logitRowsOffset + index] = Int32(truncatingIfNeeded: rows - 1)
        staged[Self.liveLogitsOffset] = Int32(truncatingIfNeeded: index + 1)
        return index
    }

    /// Device addresses for a recording.
    var liveRows: UnsafePointer<Int32> { UnsafePointer(device + Self.liveRowsOffset) }
    var liveLogits: UnsafePointer<Int32> { UnsafePointer(device + Self.liveLogitsOffset) }
    var tokens: UnsafePointer<Int32> { UnsafePointer(device + tokensOffset) }
    var positions: UnsafePointer<Int32> { UnsafePointer(device + positionsOffset) }
    var sequenceSlots: UnsafePointer<Int32> { UnsafePointer(device + slotsOffset) }
    var logitRows: UnsafePointer<Int32> { UnsafePointer(device + logitRowsOffset) }
}
