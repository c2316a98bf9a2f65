internal import JSON

/// Reads `mlperf_log_detail.txt` entry by entry.
///
///     var reader = try DetailLogReader(path: "run_1/mlperf_log_detail.txt")
///     while let entry = try reader.next() { ... }
///
/// Read are the official library's lines as they are: texts with quotes that nobody escaped, `inf` and `nan`, times that
/// underflowed.  Empty lines are passed over.  An error is about one line; the reader stands behind that line and can go
/// on.
public struct DetailLogReader: ~Copyable {
    /// The file's name in a run's folder.
    public static let fileName = "mlperf_log_detail.txt"
    /// What begins each line.
    public static let mark = ":::MLLOG"

    /// What the file is called in errors.
    public var source: String { lines.source }

    private var lines: LineReader

    /// Opens a log.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - source: What to call it in errors; the path when nil.
    /// - Throws: `DetailLogError` where it cannot be read.
    public init(path: String, source: String? = nil) throws(DetailLogError) {
        do {
            lines = try LineReader(path: path, source: source)
        } catch {
            throw DetailLogError(.unreadable, source: error.source, reason: error.reason)
        }
    }

    /// The next entry; nil at the end.
    ///
    /// - Throws: `DetailLogError` naming the line that is no entry, or is cut off.
    public mutating func next() throws(DetailLogError) -> DetailLogEntry? {
        while true {
            let found: ArraySlice<UInt8>?
            do {
                found = try lines.next()
            } catch {
                throw DetailLogError(.unreadable, source: error.source, reason: error.reason)
            }
            guard let found else { return nil }
            let text = Self.withoutTrailingBlanks(found)
            guard !text.isEmpty else { continue }
            return try entry(text)
        }
    }

    private func entry(_ text: ArraySlice<UInt8>) throws(DetailLogError) -> DetailLogEntry {
        guard text.starts(with: Self.mark.utf8) else {
            let isCut = lines.endedWithoutLineFeed && Self.mark.utf8.starts(with: text)
            let isText = String(validating: text, as: UTF8.self) != nil
            throw DetailLogError(
                isCut ? .cutOff : isText ? .foreign : .notText,
                source: source,
                line: lines.line,
                reason: isCut
                    ? "ends in the middle of an entry: the log was cut off"
                    : "does not begin with \(Self.mark): found \(Self.excerpt(text))"
            )
        }
        var parser = DetailLogLine(text.dropFirst(Self.mark.utf8.count), line: lines.line)
        if let entry = parser.entry() { return entry }
        if text.last != UInt8(ascii: "}") {
            throw DetailLogError(
                .cutOff,
                source: source,
                line: lines.line,
                reason: "ends in the middle of an entry: the log was cut off"
            )
        }
        throw DetailLogError(
            .malformed,
            source: source,
            line: lines.line,
            reason: "is no entry of a log: \(parser.fault); found \(Self.excerpt(text))"
        )
    }

    private static func withoutTrailingBlanks(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let last = line.last, last == UInt8(ascii: " ") || (0x09...0x0D).contains(last) { line.removeLast() }
        return line
    }

    private static func excerpt(_ line: ArraySlice<UInt8>) -> String {
        let text = String(decoding: line.prefix(60), as: UTF8.self)
        return JSON.string(line.count > 60 ? text + "..." : text).text()
    }
}
