public import JSON

/// One `:::MLLOG` line of `mlperf_log_detail.txt`.
///
/// Source of the form: `AsyncLog::LogDetail` of MLCommons' LoadGen 6.0, and its published logs.
public struct DetailLogEntry: Sendable, Equatable {
    /// The key: `effective_scenario`, `result_validity`.
    public var key: String
    /// The value; `inf` and `nan`, which LoadGen writes although JSON has no such words, are numbers here.
    public var value: JSON
    /// Time since the log was opened, in nanoseconds.
    ///
    /// LoadGen computes it without sign: an entry queued before the log was opened has a time near 2^64.
    public var time: UInt64
    /// Whether the line reports an error.
    public var isError: Bool
    /// Whether the line reports a warning.
    public var isWarning: Bool
    /// Whether the line has the metadata that tell errors and warnings.
    public var hasMetadata: Bool
    /// The line's number in its file, from 1.
    public var line: Int
    /// Whether the official tools, which read each line with Python's `json`, can read the line.
    ///
    /// LoadGen quotes texts without escaping them, so a name with a quote in it makes a line that they cannot read.
    public var isOfficiallyReadable: Bool

    /// An entry from its parts.
    public init(
        key: String,
        value: JSON,
        time: UInt64 = 0,
        isError: Bool = false,
        isWarning: Bool = false,
        hasMetadata: Bool = true,
        line: Int = 1,
        isOfficiallyReadable: Bool = true
    ) {
        self.key = key
        self.value = value
        self.time = time
        self.isError = isError
        self.isWarning = isWarning
        self.hasMetadata = hasMetadata
        self.line = line
        self.isOfficiallyReadable = isOfficiallyReadable
    }
}

extension DetailLogEntry {
    /// The time in milliseconds, as the log writes it.
    public var milliseconds: Double { Double(time) / 1e6 }

    /// The value as a number; nil where it is none.
    public var double: Double? {
        switch value {
        case .number(let number): number
        case .integer(let integer): Double(integer)
        case .unsigned(let integer): Double(integer)
        default: nil
        }
    }

    /// The value as a whole number of at least 0, with all 64 bits of a seed; nil where it is none.
    public var uint64: UInt64? {
        switch value {
        case .integer(let integer): UInt64(exactly: integer)
        case .unsigned(let integer): integer
        // A stream prints large doubles with an exponent: 2.70336e+06.
        case .number(let number): UInt64(exactly: number)
        default: nil
        }
    }

    /// The value as a whole number; nil where it is none or does not fit.
    public var int: Int? {
        switch value {
        case .integer(let integer): Int(exactly: integer)
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }

    /// The value as a truth value; nil where it is none.
    public var bool: Bool? {
        guard case .bool(let flag) = value else { return nil }
        return flag
    }

    /// The value as a text; nil where it is none.
    public var string: String? {
        guard case .string(let text) = value else { return nil }
        return text
    }
}
