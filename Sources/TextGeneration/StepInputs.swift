/// Where a step's inputs lie on the device: one block of int32 that a ``StagedStep`` fills, and the tokens that come of it.
///
/// There is one, however many steps are in flight: a stream copies a step's inputs over those of the step before only
/// when that has passed.
final class StepInputs {
    /// The block's layout.
    let layout: StepLayout
    /// The block that the kernels read.
    let block: UnsafeMutablePointer<Int32>
    /// The token chosen for each logit row of the step that ran last.
    let chosen: UnsafeMutablePointer<Int32>

    init(layout: StepLayout, memory: DeviceMemory) throws {
        self.layout = layout
        block = try memory.allocate(Int32.self, layout.count, purpose: "step inputs")
        chosen = try memory.allocate(Int32.self, layout.logitCapacity, purpose: "chosen tokens")
    }

    /// Addresses for a recording.
    var liveRows: UnsafePointer<Int32> { UnsafePointer(block + StepLayout.liveRows) }
    var liveLogits: UnsafePointer<Int32> { UnsafePointer(block + StepLayout.liveLogits) }
    var livePageChanges: UnsafePointer<Int32> { UnsafePointer(block + StepLayout.livePageChanges) }
    var tokens: UnsafeMutablePointer<Int32> { block + layout.tokens }
    var positions: UnsafePointer<Int32> { UnsafePointer(block + layout.positions) }
    var sequenceSlots: UnsafePointer<Int32> { UnsafePointer(block + layout.slots) }
    var logitRows: UnsafePointer<Int32> { UnsafePointer(block + layout.logitRows) }
    var excludesEndTokens: UnsafePointer<Int32> { UnsafePointer(block + layout.excludesEndTokens) }
    var pageChanges: UnsafePointer<Int32> { UnsafePointer(block + layout.pageChanges) }
}

/// Where what stands in the block of a step's inputs, in elements.
struct StepLayout {
    /// Rows that a step may have.
    let rowCapacity: Int
    /// Rows whose logits a step may compute.
    let logitCapacity: Int
    /// Entries of the page table that a step may change.
    let pageChangeCapacity: Int

    static let liveRows = 0
    static let liveLogits = 1
    static let livePageChanges = 2
    var logitRows: Int { 3 }
    var excludesEndTokens: Int { logitRows + logitCapacity }
    var tokens: Int { excludesEndTokens + logitCapacity }
    var positions: Int { tokens + rowCapacity }
    var slots: Int { positions + rowCapacity }
    /// Pairs of entry and page, last because a step seldom has many.
    var pageChanges: Int { slots + rowCapacity }
    /// Elements of the block.
    var count: Int { pageChanges + 2 * pageChangeCapacity }
}
