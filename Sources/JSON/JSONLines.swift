/// Reads a file with one JSON value per line, a line at a time.
///
///     var lines = try JSONLines(contentsOfFile: path)
///     while let sample = try lines.next() { ... }
///
/// Lines end with `\n` or `\r\n`; lines of nothing but white space are skipped. Errors name the line, counted from 1.
public struct JSONLines: ~Copyable {
    /// The line that `next` returned last, from 1; 0 before the first.
    public private(set) var line = 0

    private let reader: FileReader
    private let source: String
    private var buffer: [UInt8] = []
    private var start = 0
    private var searched = 0
    private var atEnd = false

    private static let chunk = 1 << 18

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - source: What to call it in errors; the path when nil.
    /// - Throws: `JSONError` when the file cannot be opened.
    public init(contentsOfFile path: String, source: String? = nil) throws(JSONError) {
        self.source = source ?? path
        reader = try FileReader(path: path, source: self.source)
    }

    /// The value of the next line that is not empty.
    ///
    /// - Returns: The value, nil after the last one.
    /// - Throws: `JSONError` when reading fails or the line is not valid JSON.
    public mutating func next() throws(JSONError) -> JSON? {
        while let range = try nextLine() {
            let text = buffer[range]
            if text.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }) {
                continue
            }
            do {
                return try JSON(parsing: text, source: source)
            } catch {
                var error = error
                // The position counts from the start of the line, which is all that was parsed.
                error.source = "\(source): line \(line)"
                if let position = error.position {
                    error.reason = "column \(position.column): \(error.reason)"
                    error.position = nil
                }
                throw error
            }
        }
        return nil
    }

    /// The fields of the next value, for checked access; nil after the last one.
    ///
    /// - Returns: The value with the file and line as its source.
    /// - Throws: `JSONError` when reading fails or the line is not valid JSON.
    public mutating func nextField() throws(JSONError) -> JSONField? {
        guard let value = try next() else { return nil }
        return JSONField(value, at: "\(source): line \(line)")
    }

    private mutating func nextLine() throws(JSONError) -> Range<Int>? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let range = start..<end
                start = end + 1
                searched = start
                line += 1
                return range
            }
            searched = buffer.count
            if atEnd {
                guard start < buffer.count else { return nil }
                let range = start..<buffer.count
                start = buffer.count
                line += 1
                return range
            }
            buffer.removeSubrange(..<start)
            searched -= start
            start = 0
            guard buffer.count < Int(Int32.max) - Self.chunk else {
                throw JSONError(source: "\(source): line \(line + 1)", path: "", reason: "is longer than 2 GiB")
            }
            atEnd = try !reader.read(Self.chunk, into: &buffer)
        }
    }
}
