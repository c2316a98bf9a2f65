import Glibc

/// The keys and values of one configuration file in MLPerf's grammar.
///
/// A line is `model.scenario.key = value` with blanks around the equals sign. The quirks of the official reader are kept,
/// because a submission is judged by what that reader makes of the file: `#` begins a comment only as a word of its own and
/// not behind a value; `k=v` without blanks is ignored; of several values the last one holds; one bad line voids the file.
/// The lenient reading has none of them but the last.
struct ConfValues: Sendable {
    /// How a file is read.
    enum Reading: Sendable {
        /// As the official reader does.
        case official
        /// `#` begins a comment wherever a word begins, blanks around `=` may be left out, whole numbers are decimal.
        case lenient
    }

    /// A line that voids the file.
    struct Complaint: Sendable, Equatable {
        /// The line, from 1.
        var line: Int
        /// The key, where the line has one.
        var key: String
        /// In the official words.
        var official: String
        /// What was expected, what was found, what to do.
        var reason: String
    }

    /// One value with its place.
    struct Entry: Sendable {
        /// The value as written.
        var text: String
        /// The line, from 1.
        var line: Int
    }

    private var values: [String: Entry] = [:]
    private let reading: Reading

    /// The complaints about bad lines; not empty means that nothing of the file may be applied.
    private(set) var complaints: [Complaint] = []

    /// Lines that the reader passes over without a word although they look like settings.
    private(set) var ignored: [(line: Int, word: String)] = []

    init(reading: Reading = .official) { self.reading = reading }

    init(parsing text: String, reading: Reading = .official) {
        self.reading = reading
        // Bytes, not Characters: a carriage return before the line feed is a blank of its own.
        var lineNumber = 0
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true {
            lines.removeLast()
        }
        for line in lines {
            lineNumber += 1
            parse(words: words(of: line), number: lineNumber)
        }
    }

    private func words(of line: Substring.UTF8View) -> [String] {
        let words = line.split(whereSeparator: Self.isBlank).map { String(decoding: $0, as: UTF8.self) }
        guard reading == .lenient else { return words }
        let said = words.prefix { !$0.hasPrefix("#") }
        return said.flatMap { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return parts.count == 1 ? parts : [parts[0], "=", parts[1]].filter { !$0.isEmpty }
        }
    }

    private mutating func parse(words: [String], number: Int) {
        var key: String?
        var equalsSeen = false
        var hasValue = false
        for word in words {
            guard let knownKey = key else {
                if word == "#" { return }
                key = word
                continue
            }
            guard equalsSeen else {
                if word == "#" { break }
                guard word == "=" else {
                    let reason = "expected '=' between blanks behind the key, found '\(word)'"
                    complain(number, knownKey, "expected 'key=value', line=\(number)", reason)
                    return
                }
                equalsSeen = true
                continue
            }
            guard Self.isNumber(word) else {
                let hint =
                    word.hasPrefix("#") ? "; a comment must stand on a line of its own and begin with '# '" : ""
                let reason = "expected a number, found '\(word)'" + hint
                complain(number, knownKey, "value needs to be integer or double, line=\(number)", reason)
                return
            }
            values[knownKey] = Entry(text: word, line: number)
            hasValue = true
        }
        if let key, !hasValue, !key.hasPrefix("#") {
            ignored.append((number, key))
        }
    }

    private mutating func complain(_ line: Int, _ key: String, _ official: String, _ reason: String) {
        complaints.append(Complaint(line: line, key: key, official: official, reason: reason))
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
        values[key] = Entry(text: value, line: 0)
    }

    /// The text of a value; a scenario's own beats a model's own.
    func text(model: String, scenario: String, key: String) -> String? {
        let entry =
            values["\(model).\(scenario).\(key)"]
            ?? values["*.\(scenario).\(key)"]
            ?? values["\(model).*.\(key)"]
            ?? values["*.*.\(key)"]
        return entry?.text
    }

    /// The whole number that a value begins with, times `multiplier`, in 64 bits that wrap around.
    func integer(model: String, scenario: String, key: String, times multiplier: UInt64 = 1) -> UInt64? {
        text(model: model, scenario: scenario, key: key).map { integer(of: $0) &* multiplier }
    }

    /// The whole number that a value begins with.
    func integer(of text: String) -> UInt64 {
        UInt64(strtoull(text, nil, reading == .lenient && !text.lowercased().hasPrefix("0x") ? 10 : 0))
    }

    /// A value as a double, times `multiplier`.
    func double(model: String, scenario: String, key: String, times multiplier: Double = 1) -> Double? {
        text(model: model, scenario: scenario, key: key).map { strtod($0, nil) * multiplier }
    }

    /// All keys with their values, sorted.
    var sorted: [(key: String, value: String)] {
        values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.text) }
    }

    /// All keys with their values and lines, in the order of lines.
    var entries: [(key: String, entry: Entry)] {
        values.sorted { ($0.value.line, $0.key) < ($1.value.line, $1.key) }.map { (key: $0.key, entry: $0.value) }
    }
}
