import CPluginAPI
import PluginAPI

/// One step from its planning until its tokens are known: its inputs in pinned memory, the tokens that come back, and
/// whose they are.
///
/// An engine has as many of these as it keeps steps in flight, and plans one while the device computes another.
final class StagedStep {
    private let layout: StepLayout
    /// Pinned: the block that is copied to the device.
    let block: UnsafeMutablePointer<Int32>
    /// Pinned: the token chosen for each logit row, valid once the step has been waited for.
    let chosen: UnsafeMutablePointer<Int32>
    /// Passed when `chosen` is valid.
    let done: Event
    private let devices: Devices
    private let owners: UnsafeMutablePointer<Owner>

    /// Whose token a logit row yields.
    struct Owner {
        var slot: Int
        /// Tells whether the slot is still that sample's when the token is known.
        var id: mlp_sample_id
    }

    init(layout: StepLayout, memory: DeviceMemory, devices: Devices) throws {
        self.layout = layout
        self.devices = devices
        block = try memory.allocatePinned(Int32.self, layout.count, purpose: "step inputs")
        chosen = try memory.allocatePinned(Int32.self, layout.logitCapacity, purpose: "chosen tokens")
        done = try devices.makeEvent(0)
        owners = .allocate(capacity: layout.logitCapacity)
        owners.initialize(repeating: Owner(slot: 0, id: 0), count: layout.logitCapacity)
    }

    deinit {
        devices.release(done)
        owners.deallocate()
    }

    /// Rows written so far.
    var rows: Int { Int(block[StepLayout.liveRows]) }
    /// Logit rows written so far.
    var logits: Int { Int(block[StepLayout.liveLogits]) }
    /// Changes of the page table written so far.
    private var pageChanges: Int { Int(block[StepLayout.livePageChanges]) }
    /// Changes of the page table that have room.
    var pageChangeRoom: Int { layout.pageChangeCapacity - pageChanges }
    /// Elements of the block that the device needs.
    var count: Int { layout.pageChanges + 2 * pageChanges }

    /// Whose token a logit row yields.
    func owner(logitRow: Int) -> Owner { owners[logitRow] }

    /// Begins a step.
    func removeAll() {
        block[StepLayout.liveRows] = 0
        block[StepLayout.liveLogits] = 0
        block[StepLayout.livePageChanges] = 0
    }

    /// Adds a position of a sequence; the token is -1 - r for the one chosen in logit row r of the step before.
    @inline(__always)
    func appendRow(token: Int32, position: Int, slot: Int) {
        let row = rows
        block[layout.tokens + row] = token
        block[layout.positions + row] = Int32(truncatingIfNeeded: position)
        block[layout.slots + row] = Int32(truncatingIfNeeded: slot)
        block[StepLayout.liveRows] = Int32(truncatingIfNeeded: row + 1)
    }

    /// Asks for the logits of the row added last.
    ///
    /// - Returns: Which of the step's logit rows they are.
    @inline(__always)
    func appendLogitRow(of owner: Owner, excludesEndTokens: Bool) -> Int {
        let index = logits
        block[layout.logitRows + index] = Int32(truncatingIfNeeded: rows - 1)
        block[layout.excludesEndTokens + index] = excludesEndTokens ? 1 : 0
        block[StepLayout.liveLogits] = Int32(truncatingIfNeeded: index + 1)
        owners[index] = owner
        return index
    }

    /// Lets the step begin with a change of the page table, for which there is room.
    @inline(__always)
    func appendPageChange(entry: Int, page: Int32) {
        let index = pageChanges
        block[layout.pageChanges + 2 * index] = Int32(truncatingIfNeeded: entry)
        block[layout.pageChanges + 2 * index + 1] = page
        block[StepLayout.livePageChanges] = Int32(truncatingIfNeeded: index + 1)
    }
}
