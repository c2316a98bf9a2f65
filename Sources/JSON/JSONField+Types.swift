extension JSONField {
    /// An integer.
    ///
    /// - Returns: The value; a number with a fraction or exponent is no integer.
    /// - Throws: `JSONError` when the field is missing, of another type, or does not fit `Int`.
    public func int() throws(JSONError) -> Int {
        guard case .integer(let integer) = try value, let int = Int(exactly: integer) else {
            throw error(expected: "an integer")
        }
        return int
    }

    /// An integer within bounds.
    ///
    /// - Parameter range: The values that make sense.
    /// - Returns: The value.
    /// - Throws: `JSONError` when the field is missing, no integer, or out of bounds.
    public func int(in range: ClosedRange<Int>) throws(JSONError) -> Int {
        guard case .integer(let integer) = try value, let int = Int(exactly: integer), range.contains(int) else {
            throw error(expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return int
    }

    /// An integer that is not too small.
    ///
    /// - Parameter range: The values that make sense.
    /// - Returns: The value.
    /// - Throws: `JSONError` when the field is missing, no integer, or too small.
    public func int(in range: PartialRangeFrom<Int>) throws(JSONError) -> Int {
        guard case .integer(let integer) = try value, let int = Int(exactly: integer), range.contains(int) else {
            throw error(expected: "an integer of at least \(range.lowerBound)")
        }
        return int
    }

    /// An integer of any 64-bit size, such as a seed.
    ///
    /// - Returns: The value.
    /// - Throws: `JSONError` when the field is missing, no integer, or negative.
    public func uint64() throws(JSONError) -> UInt64 {
        switch try value {
        case .integer(let integer) where integer >= 0: return UInt64(integer)
        case .unsigned(let integer): return integer
        default: throw error(expected: "an integer from 0 to \(UInt64.max)")
        }
    }

    /// A number; integers are numbers too.
    ///
    /// - Returns: The value, the nearest `Double` for large integers.
    /// - Throws: `JSONError` when the field is missing or no number.
    public func double() throws(JSONError) -> Double {
        switch try value {
        case .number(let number): return number
        case .integer(let integer): return Double(integer)
        case .unsigned(let integer): return Double(integer)
        default: throw error(expected: "a number")
        }
    }

    /// A number within bounds.
    ///
    /// - Parameter range: The values that make sense.
    /// - Returns: The value.
    /// - Throws: `JSONError` when the field is missing, no number, or out of bounds.
    public func double(in range: ClosedRange<Double>) throws(JSONError) -> Double {
        guard let number = try? double(), range.contains(number) else {
            _ = try value
            throw error(expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A truth value.
    ///
    /// - Returns: The value.
    /// - Throws: `JSONError` when the field is missing or of another type.
    public func bool() throws(JSONError) -> Bool {
        guard case .bool(let flag) = try value else { throw error(expected: "true or false") }
        return flag
    }

    /// A text.
    ///
    /// - Returns: The value.
    /// - Throws: `JSONError` when the field is missing or of another type.
    public func string() throws(JSONError) -> String {
        guard case .string(let text) = try value else { throw error(expected: "a string") }
        return text
    }

    /// One of several words.
    ///
    /// - Parameter words: The words that make sense.
    /// - Returns: The value.
    /// - Throws: `JSONError` when the field is missing or is none of them.
    public func string(oneOf words: [String]) throws(JSONError) -> String {
        guard case .string(let text) = try value, words.contains(text) else {
            throw error(expected: "one of " + words.map { JSON.string($0).text() }.joined(separator: ", "))
        }
        return text
    }

    /// The elements of an array.
    ///
    /// - Returns: The elements as fields, whose paths end in `[index]`.
    /// - Throws: `JSONError` when the field is missing or of another type.
    public func array() throws(JSONError) -> [JSONField] {
        guard case .array(let elements) = try value else { throw error(expected: "an array") }
        return elements.indices.map { self[$0] }
    }

    /// The elements of an array of a known length.
    ///
    /// - Parameter count: The length.
    /// - Returns: The elements as fields, whose paths end in `[index]`.
    /// - Throws: `JSONError` when the field is missing, of another type, or of another length.
    public func array(count: Int) throws(JSONError) -> [JSONField] {
        guard case .array(let elements) = try value, elements.count == count else {
            throw error(expected: "an array of \(count)")
        }
        return elements.indices.map { self[$0] }
    }

    /// The members of an object, in order.
    ///
    /// - Returns: Keys and fields, whose paths end in `.key`.
    /// - Throws: `JSONError` when the field is missing or of another type.
    public func members() throws(JSONError) -> [(key: String, field: JSONField)] {
        try object().keys.map { ($0, self[$0]) }
    }

    /// The object itself, for large ones whose members need no path of their own.
    ///
    /// - Returns: The object.
    /// - Throws: `JSONError` when the field is missing or of another type.
    public func object() throws(JSONError) -> JSONObject {
        guard case .object(let object) = try value else { throw error(expected: "an object") }
        return object
    }
}
