internal import CJSONC

extension JSON {
    /// Arrays and objects may be nested this deep; deeper texts are refused.
    public static let maximumDepth = 256

    /// Parses a JSON text (RFC 8259, UTF-8) strictly.
    ///
    /// Refused are: anything after the value but white space, trailing commas, comments, `NaN` and `Infinity`, numbers
    /// beyond the range of `Double`, lone surrogates, two members of one name, U+0000 in a key, nesting beyond
    /// `maximumDepth`, and texts of 2 GiB or more.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - source: What to call it in errors, normally the file's name.
    /// - Throws: `JSONError` with the place of the first fault.
    public init(parsing bytes: UnsafeRawBufferPointer, source: String = "JSON text") throws(JSONError) {
        let text = bytes.bindMemory(to: UInt8.self)
        var builder = try TreeBuilder(text, source: source)
        self = try builder.build()
    }

    /// Parses a JSON text strictly; see `init(parsing:source:)` over raw memory.
    ///
    /// - Parameters:
    ///   - bytes: The text, in UTF-8.
    ///   - source: What to call it in errors, normally the file's name.
    /// - Throws: `JSONError` with the place of the first fault.
    public init(parsing bytes: some Sequence<UInt8>, source: String = "JSON text") throws(JSONError) {
        let text = ContiguousArray(bytes)
        let result = text.withUnsafeBytes { raw in
            Result { () throws(JSONError) in try JSON(parsing: raw, source: source) }
        }
        self = try result.get()
    }

    /// Parses a JSON text strictly; see `init(parsing:source:)` over raw memory.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - source: What to call it in errors, normally the file's name.
    /// - Throws: `JSONError` with the place of the first fault.
    public init(parsing text: String, source: String = "JSON text") throws(JSONError) {
        try self.init(parsing: text.utf8, source: source)
    }
}

/// Turns one text into a tree: checks tokens and UTF-8, lets json-c parse, and converts what json-c built.
private struct TreeBuilder {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let source: String
    private let scan: LexicalScan
    private var memberCount = 0
    private var nextExtremeInteger = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>, source: String) throws(JSONError) {
        self.bytes = bytes
        self.source = source
        guard bytes.count < Int32.max else {
            throw JSONError(source: source, path: "", reason: "the text has \(bytes.count) bytes; the limit is 2 GiB")
        }
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            let offset = error.byteOffsets.lowerBound
            throw JSONError(source: source, offset: offset, in: bytes, reason: "not valid UTF-8")
        }
        do {
            scan = try LexicalScan(bytes)
        } catch {
            throw JSONError(source: source, offset: error.offset, in: bytes, reason: error.reason)
        }
    }

    mutating func build() throws(JSONError) -> JSON {
        guard let start = UnsafeRawPointer(bytes.baseAddress), !bytes.isEmpty else {
            throw fault(at: 0, "the text is empty")
        }
        guard let tokener = json_tokener_new_ex(Int32(JSON.maximumDepth)) else { throw outOfMemory }
        defer { json_tokener_free(tokener) }
        // Not json-c's strict mode: what it refuses differs between versions, and some refuse integers beyond 64 bits.
        // All that it would add, the scan has checked.

        let text = start.assumingMemoryBound(to: CChar.self)
        var root = json_tokener_parse_ex(tokener, text, Int32(bytes.count))
        var end = json_tokener_get_parse_end(tokener)
        var status = json_tokener_get_error(tokener)
        if status == json_tokener_continue {
            // A number at the top has no end of its own: the terminating zero tells json-c that the text is complete.
            root = json_tokener_parse_ex(tokener, "", 1)
            end = bytes.count
            status = json_tokener_get_error(tokener)
            if status != json_tokener_success {
                throw fault(at: end, "the text ends before the value is complete")
            }
        }
        defer { json_object_put(root) }
        guard status == json_tokener_success else { throw fault(at: end, reason(for: status)) }
        if let extra = bytes[end...].firstIndex(where: { !" \n\r\t".utf8.contains($0) }) {
            throw fault(at: extra, "expected the end of the text after the value")
        }

        let tree = convert(root)
        if memberCount != scan.memberCount { throw repeatedKey() }
        return tree
    }

    private mutating func convert(_ object: OpaquePointer?) -> JSON {
        guard let object else { return .null }
        switch json_object_get_type(object) {
        case json_type_boolean:
            return .bool(json_object_get_boolean(object) != 0)
        case json_type_int:
            return convertInteger(object)
        case json_type_double:
            return .number(json_object_get_double(object))
        case json_type_string:
            let length = Int(json_object_get_string_len(object))
            return .string(Self.text(json_object_get_string(object), length: length))
        case json_type_array:
            let count = json_object_array_length(object)
            var elements: [JSON] = []
            elements.reserveCapacity(count)
            for index in 0..<count { elements.append(convert(json_object_array_get_idx(object, index))) }
            return .array(elements)
        case json_type_object:
            let count = Int(json_object_object_length(object))
            memberCount += count
            var keys: [String] = []
            var values: [JSON] = []
            keys.reserveCapacity(count)
            values.reserveCapacity(count)
            var member = CJSONC_first_member(object)
            while let current = member {
                keys.append(String(cString: CJSONC_member_name(current)))
                values.append(convert(CJSONC_member_value(current)))
                member = CJSONC_next_member(current)
            }
            return .object(JSONObject(distinctKeys: keys, values: values))
        default:
            return .null
        }
    }

    private mutating func convertInteger(_ object: OpaquePointer) -> JSON {
        let signed = json_object_get_int64(object)
        let unsigned = json_object_get_uint64(object)
        if signed == .min || unsigned == .max {
            // Possibly clamped: the scan kept the values, in the same order as long as no member was replaced.
            guard nextExtremeInteger < scan.extremeIntegers.count else { return .integer(signed) }
            nextExtremeInteger += 1
            return scan.extremeIntegers[nextExtremeInteger - 1]
        }
        return signed == .max ? JSON(unsigned) : .integer(signed)
    }

    private static func text(_ start: UnsafePointer<CChar>?, length: Int) -> String {
        let raw = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : length)
        return String(decoding: raw, as: UTF8.self)
    }

    /// Finds the key that json-c merged with an earlier one.
    ///
    /// Called only when one is known to exist.
    private func repeatedKey() -> JSONError {
        var seen: [Set<[UInt8]>] = []
        var index = 0
        var lastString = 0..<0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                seen.append([])
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = seen.popLast()
            case UInt8(ascii: "\""):
                let start = index
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                lastString = start..<min(index + 1, bytes.count)
            case UInt8(ascii: ":"):
                let key = decodedKey(lastString)
                if !seen.isEmpty, !seen[seen.count - 1].insert(Array(key.utf8)).inserted {
                    return fault(at: lastString.lowerBound, "the object already has a member \"\(key)\"")
                }
            default: break
            }
            index += 1
        }
        return fault(at: 0, "an object has two members of one name")
    }

    private func decodedKey(_ range: Range<Int>) -> String {
        let raw = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range])
        guard case .string(let key)? = try? JSON(parsing: raw, source: source) else { return "" }
        return key
    }

    private var outOfMemory: JSONError {
        JSONError(source: source, path: "", reason: "not enough memory to parse the text")
    }

    private func fault(at offset: Int, _ reason: String) -> JSONError {
        JSONError(source: source, offset: min(offset, bytes.count), in: bytes, reason: reason)
    }

    private func reason(for status: json_tokener_error) -> String {
        switch status {
        case json_tokener_error_depth: "values are nested deeper than \(JSON.maximumDepth)"
        case json_tokener_error_parse_object_key_name: "expected a key in double quotes"
        case json_tokener_error_parse_object_key_sep: "expected ':' after the key"
        case json_tokener_error_parse_object_value_sep: "expected ',' or '}' after the value"
        case json_tokener_error_parse_array: "expected ',' or ']' after the value"
        case json_tokener_error_parse_unexpected: "expected a JSON value"
        default: json_tokener_error_desc(status).map { String(cString: $0) } ?? "malformed JSON"
        }
    }
}
