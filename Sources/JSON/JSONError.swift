/// What is wrong with a JSON text, or with a value in it, and where.
public struct JSONError: Error, Equatable, Sendable {
    /// A place in a text.
    public struct Position: Equatable, Sendable {
        /// Bytes before the place.
        public var offset: Int
        /// The line, from 1.
        public var line: Int
        /// The byte in the line, from 1.
        public var column: Int
    }

    /// The name of the file, or what else the text was called.
    public var source: String
    /// Where in the text; nil when the fault is in a value and not in the text, or the file could not be read.
    public var position: Position?
    /// The path of the value (`rope_scaling.factor`, `layers[3].type`), empty for faults in the text.
    public var path: String
    /// What was expected, and what was found.
    public var reason: String

    /// An error about a value.
    ///
    /// - Parameters:
    ///   - source: The name of the file.
    ///   - path: The path of the value in it.
    ///   - reason: What was expected, and what was found.
    public init(source: String, path: String, reason: String) {
        self.source = source
        self.path = path
        self.reason = reason
    }

    init(source: String, offset: Int, in bytes: UnsafeBufferPointer<UInt8>, reason: String) {
        self.source = source
        self.path = ""
        self.reason = reason
        let before = bytes.prefix(offset)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        position = Position(
            offset: offset,
            line: before.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 },
            column: offset - lineStart + 1
        )
    }
}

extension JSONError: CustomStringConvertible {
    /// `config.json: hidden_size: expected an integer...` or `config.json: line 3, column 9 (byte 41): expected...`.
    public var description: String {
        var parts = [source]
        if let position {
            parts.append("line \(position.line), column \(position.column) (byte \(position.offset))")
        }
        if !path.isEmpty { parts.append(path) }
        parts.append(reason)
        return parts.joined(separator: ": ")
    }
}
