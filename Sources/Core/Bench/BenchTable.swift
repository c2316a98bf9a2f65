import Glibc

/// Columns of text, the first to the left, the others to the right.
struct BenchTable {
    private var rows: [[String]]

    init(_ head: [String]) { rows = [head] }

    mutating func append(_ row: [String]) { rows.append(row) }

    var text: String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = "  "
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += column == 0 ? cell + padding : "  " + padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        .joined()
    }

    /// A number with three or more significant digits: 0.0123, 1.23, 12.3, 1234.
    static func figure(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "-" }
        let size = abs(value)
        return fixed(value, digits: size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4)
    }

    /// `78 %`; `-` for nil.
    static func percent(_ share: Double?) -> String {
        guard let share, share.isFinite else { return "-" }
        return fixed(100 * share, digits: share < 0.1 ? 1 : 0) + " %"
    }

    static func fixed(_ value: Double, digits: Int) -> String {
        let unit = pow(10, Double(digits))
        let scaled = (abs(value) * unit).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let whole = Int(scaled) / Int(unit)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let fraction = String(Int(scaled) % Int(unit))
        return sign + "\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
