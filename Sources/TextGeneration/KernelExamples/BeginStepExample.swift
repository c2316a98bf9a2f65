import Kernels

/// `begin_step`: tokens known to the host and tokens that the device chose, changes of the page table; exact.
///
/// Rows and changes beyond the live counts would change something if they counted.
struct BeginStepExample: KernelExampleCase {
    let rows, live, changes, liveChanges: Int

    static let cases = [
        BeginStepExample(rows: 1, live: 1, changes: 1, liveChanges: 1),
        BeginStepExample(rows: 9, live: 7, changes: 5, liveChanges: 0),
        BeginStepExample(rows: 700, live: 613, changes: 300, liveChanges: 290),
        // A live count above the maximum counts as the maximum.
        BeginStepExample(rows: 4, live: 0, changes: 600, liveChanges: 1000),
    ]

    func worked(_ numbers: inout ExampleNumbers) -> WorkedExample {
        let chosen = (0..<rows).map { _ in numbers.index(below: 32000) }
        let tokens = (0..<rows).map { row in
            row >= live || row % 3 == 0 ? -1 - (rows - 1 - row) : numbers.index(below: 32000)
        }
        var known = tokens
        for row in 0..<min(live, rows) where tokens[row] < 0 { known[row] = chosen[-1 - tokens[row]] }

        let entries = 2 * changes
        let table = (0..<entries).map { _ in 1000 + numbers.index(below: 1000) }
        let list = (0..<changes).map { [entries - 1 - 2 * $0, numbers.index(below: entries)] }
        var changed = table
        for change in list.prefix(liveChanges) { changed[change[0]] = change[1] }
        return WorkedExample(
            grid: podium_grid_begin_step(numbers.backend, Int32(rows), Int32(changes)),
            [
                .indices(tokens, expected: known), .ints(chosen), .ints([live]), .int(rows),
                .indices(table, expected: changed), .ints(list.flatMap { $0 }), .ints([liveChanges]), .int(changes),
            ]
        )
    }
}
