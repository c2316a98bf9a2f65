/// A row of a step: one token of one sequence.
struct ExampleRow {
    /// Which row of the page table it uses.
    let slot: Int
    /// Where it stands in its sequence; negative if it belongs to none.
    let position: Int

    init(_ slot: Int, _ position: Int) {
        self.slot = slot
        self.position = position
    }
}
