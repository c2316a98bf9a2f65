/// A value in a JSON file together with its path, for reading configurations.
///
///     let config = JSONField(try JSON(contentsOfFile: path), at: "config.json")
///     let width = try config["hidden_size"].int(in: 1...65536)
///     let factor = try config["rope_scaling"].optional?["factor"].double() ?? 1
///
/// Going down never fails; asking for a type does, with an error such as
/// `config.json: hidden_size: expected an integer from 1 to 65536, found "abc"`.
public struct JSONField: Sendable {
    private enum Content: Sendable {
        case present(JSON)
        case missing
        /// An ancestor is not what the path needs; its error is thrown on the first access.
        case unreachable(JSONError)
    }

    /// The name of the file.
    public let source: String
    /// The path in the file (`rope_scaling.factor`, `layers[3]`), empty for the whole.
    public let path: String
    private let content: Content

    /// The whole of a file.
    ///
    /// - Parameters:
    ///   - json: The parsed file.
    ///   - source: The name for errors.
    public init(_ json: JSON, at source: String) {
        self.init(.present(json), source: source, path: "")
    }

    private init(_ content: Content, source: String, path: String) {
        self.content = content
        self.source = source
        self.path = path
    }

    /// The member of an object.
    ///
    /// Whether it exists is found out by the access that follows.
    public subscript(key: String) -> JSONField {
        let childPath = path.isEmpty ? key : "\(path).\(key)"
        let child: Content
        switch content {
        case .present(.object(let object)): child = object[key].map { .present($0) } ?? .missing
        case .present: child = .unreachable(error(expected: "an object"))
        case .missing: child = .unreachable(missingError)
        case .unreachable(let cause): child = .unreachable(cause)
        }
        return JSONField(child, source: source, path: childPath)
    }

    /// The element of an array.
    ///
    /// Whether it exists is found out by the access that follows.
    public subscript(index: Int) -> JSONField {
        let child: Content
        switch content {
        case .present(.array(let elements)):
            child = elements.indices.contains(index) ? .present(elements[index]) : .missing
        case .present: child = .unreachable(error(expected: "an array"))
        case .missing: child = .unreachable(missingError)
        case .unreachable(let cause): child = .unreachable(cause)
        }
        return JSONField(child, source: source, path: "\(path)[\(index)]")
    }

    /// This field, or nil when it is missing or null.
    ///
    /// - Throws: `JSONError` when an ancestor is missing or is no object.
    public var optional: JSONField? {
        get throws(JSONError) {
            switch content {
            case .present(.null), .missing: nil
            case .present: self
            case .unreachable(let cause): throw cause
            }
        }
    }

    /// The value, of whatever type.
    ///
    /// - Throws: `JSONError` when the field is missing.
    public var value: JSON {
        get throws(JSONError) {
            switch content {
            case .present(let json): json
            case .missing: throw missingError
            case .unreachable(let cause): throw cause
            }
        }
    }

    /// An error about this field, for checks that the caller makes.
    ///
    /// - Parameter reason: What was expected, and what was found.
    /// - Returns: The error with this field's file and path.
    public func error(_ reason: String) -> JSONError {
        JSONError(source: source, path: path, reason: reason)
    }

    /// An error of the usual form about this field: `expected <expected>, found <the value>`.
    ///
    /// - Parameter expected: What was expected, with its article.
    /// - Returns: The error with this field's file and path.
    public func error(expected: String) -> JSONError {
        guard case .present(let json) = content else { return missingError }
        return error("expected \(expected), found \(Self.summary(of: json))")
    }

    private var missingError: JSONError { error("missing") }

    /// The value as it appears in errors: short, whatever the file holds.
    private static func summary(of json: JSON) -> String {
        switch json {
        case .array(let elements): return "an array of \(elements.count)"
        case .object(let object): return "an object with \(object.count) members"
        case .string(let text) where text.utf8.count > 60: return JSON.string(String(text.prefix(40)) + "...").text()
        default: return json.text()
        }
    }
}
