/// Durations against the time at which they began: every sample as a dot, or the density of many as cells.
struct TimeMap: Sendable {
    /// Most dots that are drawn one by one.
    static let dotLimit = 1500
    private static let columns = 96
    private static let rows = 36
    /// The longest samples are dots on top of the cells, so that none is lost in a cell.
    private static let kept = 120

    struct Dot: Sendable {
        var time: Int64
        var duration: Int64
    }

    /// How many samples lie in a cell.
    struct Cell: Sendable {
        var column: Int
        var row: Int
        var count: Int
    }

    var dots: [Dot]
    var cells: [Cell]
    var columnCount: Int { Self.columns }
    var rowCount: Int { Self.rows }
    /// The range of durations, and whether the rows are spaced by its logarithm.
    var axis: Axis
    /// The end of the last column, nanoseconds.
    var end: Int64

    /// - Parameters:
    ///   - times: When each sample began, in nanoseconds after the start.
    ///   - durations: How long each took; negative ones are left out.
    ///   - limit: A limit that the axis has to reach.
    init(times: [Int64], durations: [Int64], limit: Int64?) {
        var least = Int64.max
        var most: Int64 = 0
        var count = 0
        var end: Int64 = 1
        for (time, duration) in zip(times, durations) where duration >= 0 {
            least = min(least, duration)
            most = max(most, duration)
            end = max(end, time)
            count += 1
        }
        least = min(least, most)
        self.end = end
        // A limit far above everything would squeeze the picture into a line.
        let reach =
            limit.map { $0 <= most.multipliedReportingOverflow(by: 20).partialValue ? max(most, $0) : most } ?? most
        axis = Axis.times(from: least, to: reach, fromZero: true)
        dots = []
        cells = []
        guard count > 0 else { return }
        if count <= Self.dotLimit {
            for (time, duration) in zip(times, durations) where duration >= 0 {
                dots.append(Dot(time: time, duration: duration))
            }
            return
        }
        var grid = [Int](repeating: 0, count: Self.columns * Self.rows)
        var longest: [Dot] = []
        var threshold: Int64 = -1
        for (time, duration) in zip(times, durations) where duration >= 0 {
            let column = min(Self.columns - 1, Int(Double(time) / Double(end) * Double(Self.columns)))
            let row = min(Self.rows - 1, Int(axis.position(Double(duration)) * Double(Self.rows)))
            grid[max(0, column) * Self.rows + max(0, row)] += 1
            guard duration > threshold else { continue }
            longest.append(Dot(time: time, duration: duration))
            if longest.count >= Self.kept * 8 {
                longest.sort { $0.duration > $1.duration }
                longest.removeLast(longest.count - Self.kept)
                threshold = longest[Self.kept - 1].duration
            }
        }
        longest.sort { $0.duration > $1.duration }
        dots = Array(longest.prefix(Self.kept))
        for (place, count) in grid.enumerated() where count > 0 {
            cells.append(Cell(column: place / Self.rows, row: place % Self.rows, count: count))
        }
    }
}
