internal import JSON

/// What follows the mark of a line, turned into an entry.
struct DetailLogLine {
    private let text: ArraySlice<UInt8>
    private let line: Int
    /// Why ``entry()`` returned nil.
    private(set) var fault = ""

    init(_ text: ArraySlice<UInt8>, line: Int) {
        self.text = text
        self.line = line
    }

    /// The entry; nil where the text is none.
    mutating func entry() -> DetailLogEntry? {
        do {
            let whole = try JSON(parsing: text)
            guard case .object(let members) = whole, case .string(let key)? = members["key"] else {
                fault = "it has no key"
                return nil
            }
            guard let value = members["value"] else {
                fault = "it has no value"
                return nil
            }
            var entry = DetailLogEntry(key: key, value: value, line: line)
            return readTrailer(whole, text: text, into: &entry) ? entry : nil
        } catch {
            fault = error.reason
            return unescapedEntry()
        }
    }

    /// The entry of a line that is no JSON because its value is not: LoadGen writes its members in a fixed order, so the
    /// value is what stands between the first `"value"` and the last `"time_ms"`.
    private mutating func unescapedEntry() -> DetailLogEntry? {
        let opening = "{\"key\": \""
        let middle = Array("\", \"value\": ".utf8)
        let closing = Array(", \"time_ms\": ".utf8)
        let body = text.drop { $0 == UInt8(ascii: " ") }
        guard body.starts(with: opening.utf8) else { return nil }
        let afterOpening = body.dropFirst(opening.utf8.count)
        guard let keyEnd = Self.first(middle, in: afterOpening), let valueEnd = Self.last(closing, in: afterOpening),
            keyEnd + middle.count <= valueEnd
        else { return nil }
        let key = String(decoding: afterOpening[..<keyEnd], as: UTF8.self)
        let valueText = text[(keyEnd + middle.count)..<valueEnd]
        guard let value = Self.value(valueText) else { return nil }
        // What stands before the comma is left out, so that the rest is an object of its own.
        let trailer = [UInt8(ascii: "{")] + text[(valueEnd + 2)...]
        guard let parsed = try? JSON(parsing: trailer) else { return nil }
        var entry = DetailLogEntry(key: key, value: value.json, line: line, isOfficiallyReadable: value.isPython)
        return readTrailer(parsed, text: trailer[...], into: &entry) ? entry : nil
    }

    /// A value that is no JSON: a word for a number, or a text that nobody escaped.
    private static func value(_ bytes: ArraySlice<UInt8>) -> (json: JSON, isPython: Bool)? {
        let text = String(decoding: bytes, as: UTF8.self)
        switch text {
        case "inf": return (.number(.infinity), false)
        case "-inf": return (.number(-.infinity), false)
        case "nan", "-nan": return (.number(.nan), false)
        case "Infinity": return (.number(.infinity), true)
        case "-Infinity": return (.number(-.infinity), true)
        case "NaN": return (.number(.nan), true)
        default: break
        }
        if bytes.count >= 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") {
            return (.string(String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)), false)
        }
        // An ordinary value: what is no JSON is elsewhere in the line.
        return (try? JSON(parsing: bytes)).map { ($0, false) }
    }

    private mutating func readTrailer(
        _ members: JSON,
        text: ArraySlice<UInt8>,
        into entry: inout DetailLogEntry
    ) -> Bool {
        switch members["time_ms"] {
        case nil: break
        case .integer(let milliseconds) where milliseconds >= 0:
            let (time, overflow) = UInt64(milliseconds).multipliedReportingOverflow(by: 1_000_000)
            entry.time = overflow ? .max : time
        case .number(let milliseconds) where milliseconds >= 0:
            entry.time = Self.exactTime(in: text) ?? UInt64(exactly: (milliseconds * 1e6).rounded()) ?? .max
        default:
            fault = "time_ms is no time"
            return false
        }
        entry.hasMetadata = members["metadata"]?["is_error"] != nil
        if case .bool(let flag)? = members["metadata"]?["is_error"] { entry.isError = flag }
        if case .bool(let flag)? = members["metadata"]?["is_warning"] { entry.isWarning = flag }
        return true
    }

    /// Nanoseconds from `time_ms`, whose six digits behind the point a `Double` does not keep for large times.
    private static func exactTime(in text: ArraySlice<UInt8>) -> UInt64? {
        let name = Array("\"time_ms\": ".utf8)
        guard let place = last(name, in: text) else { return nil }
        var digits = text[(place + name.count)...].prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") }
        guard let point = digits.firstIndex(of: UInt8(ascii: ".")), digits.endIndex - point - 1 == 6 else { return nil }
        digits.remove(at: point)
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    private static func first(_ pattern: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        places(for: pattern, in: text).first { matches(pattern, in: text, at: $0) }
    }

    private static func last(_ pattern: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        places(for: pattern, in: text).last { matches(pattern, in: text, at: $0) }
    }

    private static func places(for pattern: [UInt8], in text: ArraySlice<UInt8>) -> Range<Int> {
        text.startIndex..<max(text.startIndex, text.endIndex - pattern.count + 1)
    }

    private static func matches(_ pattern: [UInt8], in text: ArraySlice<UInt8>, at place: Int) -> Bool {
        text[place] == pattern[0] && text[place...].starts(with: pattern)
    }
}
