import Glibc

/// The keys and values of one configuration file in MLPerf's grammar.
///
/// A line is `model.scenario.key = value` with blanks around the equals sign. The quirks of the official reader are kept,
/// because a submission is judged by what that reader makes of the file: `#` begins a comment only as a word of its own and
/// not behind a value; `k=v` without blanks is ignored; of several values the last one holds; one bad line voids the file.
struct ConfValues: Sendable {
    private var values: [String: String] = [:]

    /// The complaints about bad lines, in the official words; not empty means that nothing of the file may be applied.
    private(set) var complaints: [String] = []

    init() {}

    init(parsing text: String) {
        // Bytes, not Characters: a carriage return before the line feed is a blank of its own.
        var lineNumber = 0
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true {
            lines.removeLast()
        }
        for line in lines {
            lineNumber += 1
            parse(line: line, number: lineNumber)
        }
    }

    private mutating func parse(line: Substring.UTF8View, number: Int) {
        var key: String?
        var equalsSeen = false
        for wordBytes in line.split(whereSeparator: Self.isBlank) {
            let word = String(decoding: wordBytes, as: UTF8.self)
            guard let knownKey = key else {
                if word == "#" { return }
                key = word
                continue
            }
            guard equalsSeen else {
                if word == "#" { return }
                guard word == "=" else {
                    complaints.append("expected 'key=value', line=\(number)")
                    return
                }
                equalsSeen = true
                continue
            }
            guard Self.isNumber(word) else {
                complaints.append("value needs to be integer or double, line=\(number)")
                return
            }
            values[knownKey] = word
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private static func isNumber(_ word: String) -> Bool {
        word.withCString { start in
            let length = strlen(start)
            var end: UnsafeMutablePointer<CChar>?
            _ = strtoul(start, &end, 0)
            if let end, UnsafePointer(end) == start + length { return true }
            _ = strtod(start, &end)
            guard let end else { return false }
            return UnsafePointer(end) == start + length
        }
    }

    mutating func set(_ key: String, _ value: String) {
        values[key] = value
    }

    /// The text of a value; a scenario's own beats a model's own.
    func text(model: String, scenario: String, key: String) -> String? {
        values["\(model).\(scenario).\(key)"]
            ?? values["*.\(scenario).\(key)"]
            ?? values["\(model).*.\(key)"]
            ?? values["*.*.\(key)"]
    }

    /// The whole number that a value begins with, times `multiplier`, in 64 bits that wrap around.
    func integer(model: String, scenario: String, key: String, times multiplier: UInt64 = 1) -> UInt64? {
        text(model: model, scenario: scenario, key: key).map { UInt64(strtoull($0, nil, 0)) &* multiplier }
    }

    /// A value as a double, times `multiplier`.
    func double(model: String, scenario: String, key: String, times multiplier: Double = 1) -> Double? {
        text(model: model, scenario: scenario, key: key).map { strtod($0, nil) * multiplier }
    }

    /// All keys with their values, sorted.
    var sorted: [(key: String, value: String)] {
        values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
    }
}
