extension JSON {
    /// The value as a JSON text in UTF-8, members in their order, without a newline at the end.
    ///
    /// A `.number` is written with the fewest digits that read back as the same `Double`, and always so that it reads back
    /// as a `.number`. JSON has no way to write infinities and NaN; they are written as `null`.
    ///
    /// - Parameter pretty: One member or element per line, indented by two spaces, instead of a single line.
    /// - Returns: The text.
    public func text(pretty: Bool = false) -> String {
        var writer = TextWriter(pretty: pretty)
        writer.write(self, depth: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension JSON: CustomStringConvertible {
    /// The value as a JSON text on a single line.
    public var description: String { text() }
}

private struct TextWriter {
    let pretty: Bool
    var bytes: [UInt8] = []

    init(pretty: Bool) { self.pretty = pretty }

    mutating func write(_ value: JSON, depth: Int) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let integer): bytes += String(integer).utf8
        case .unsigned(let integer): bytes += String(integer).utf8
        case .number(let number): bytes += (number.isFinite ? number.description : "null").utf8
        case .string(let text): write(text)
        case .array(let elements):
            bracket("[", "]", isEmpty: elements.isEmpty, depth: depth) { writer in
                for (index, element) in elements.enumerated() {
                    writer.separate(isFirst: index == 0, depth: depth + 1)
                    writer.write(element, depth: depth + 1)
                }
            }
        case .object(let object):
            bracket("{", "}", isEmpty: object.isEmpty, depth: depth) { writer in
                for (index, key) in object.keys.enumerated() {
                    writer.separate(isFirst: index == 0, depth: depth + 1)
                    writer.write(key)
                    writer.bytes += (writer.pretty ? ": " : ":").utf8
                    writer.write(object.values[index], depth: depth + 1)
                }
            }
        }
    }

    private mutating func bracket(
        _ open: String,
        _ close: String,
        isEmpty: Bool,
        depth: Int,
        body: (inout TextWriter) -> Void
    ) {
        bytes += open.utf8
        body(&self)
        if pretty, !isEmpty { newLine(depth: depth) }
        bytes += close.utf8
    }

    private mutating func separate(isFirst: Bool, depth: Int) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        if pretty { newLine(depth: depth) }
    }

    private mutating func newLine(depth: Int) {
        bytes.append(UInt8(ascii: "\n"))
        bytes += repeatElement(UInt8(ascii: " "), count: 2 * depth)
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\r"): bytes += "\\r".utf8
            case UInt8(ascii: "\t"): bytes += "\\t".utf8
            case 0x08: bytes += "\\b".utf8
            case 0x0C: bytes += "\\f".utf8
            case 0..<0x20:
                bytes += "\\u00".utf8
                bytes += (byte < 0x10 ? "0" : "").utf8
                bytes += String(byte, radix: 16).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
