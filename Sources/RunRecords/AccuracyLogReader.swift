internal import Glibc

/// Reads `mlperf_log_accuracy.json` entry by entry, and takes the SHA-256 of the file on the way.
///
///     var log = try AccuracyLogReader(path: path)
///     while let entry = try log.next() { ... }
///     let hash = log.hash
///
/// The log is a JSON array of flat objects with the members of ``AccuracyLogEntry``; others are skipped.  Memory grows with
/// the largest entry, not with the log.
public struct AccuracyLogReader: ~Copyable {
    /// The file's name in the folder of a run.
    public static let fileName = "mlperf_log_accuracy.json"
    /// The longest string that is read, in bytes; a longer one is refused.
    public static let longestString = 1 << 30

    private static let chunk = 1 << 18

    /// How many entries have been begun.
    public private(set) var entries = 0

    private let path: String
    private let descriptor: CInt
    private var buffer = [UInt8](repeating: 0, count: AccuracyLogReader.chunk)
    private var position = 0
    private var end = 0
    private var consumed: UInt64 = 0
    private var digest = SHA256()
    private var state = State.start
    private var text: [UInt8] = []

    private enum State { case start, inside, finished }

    /// Opens a log.
    ///
    /// - Throws: ``AccuracyLogError`` when there is no such regular file.
    public init(path: String) throws(AccuracyLogError) {
        self.path = path
        // A pipe that nobody writes would block the opening for ever.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = "cannot be opened: \(String(cString: strerror(errno)))"
            throw AccuracyLogError(path: path, entry: nil, offset: 0, reason: reason)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw AccuracyLogError(path: path, entry: nil, offset: 0, reason: "is not a regular file")
        }
    }

    deinit { close(descriptor) }

    /// The next entry; nil after the last.
    ///
    /// - Throws: ``AccuracyLogError`` that names the entry and the byte.
    public mutating func next() throws(AccuracyLogError) -> AccuracyLogEntry? {
        switch state {
        case .finished: return nil
        case .start:
            try skipWhiteSpace()
            try expect("[", "an array of entries")
            try skipWhiteSpace()
            state = .inside
            if try peek() == UInt8(ascii: "]") { return try finish() }
        case .inside:
            try skipWhiteSpace()
            if try peek() == UInt8(ascii: "]") { return try finish() }
            try expect(",", "`,` and another entry, or `]`")
            try skipWhiteSpace()
        }
        entries += 1
        return try entry()
    }

    /// The SHA-256 of the file in hexadecimal digits; of the whole file once ``next()`` has returned nil.
    public var hash: String { digest.hexadecimal() }

    // MARK: Grammar

    /// Nothing may follow the array.
    private mutating func finish() throws(AccuracyLogError) -> AccuracyLogEntry? {
        position += 1
        try skipWhiteSpace()
        if try peek() != nil { throw fault("the array ends here, but the file goes on") }
        state = .finished
        return nil
    }

    private mutating func entry() throws(AccuracyLogError) -> AccuracyLogEntry {
        try expect("{", "an entry that begins with `{`")
        var sequence: UInt64?
        var index: UInt64?
        var data: [UInt8]?
        var tokenData: [UInt8]?
        var tokenCount: UInt64?
        var names: Set<String> = []
        try skipWhiteSpace()
        if try peek() == UInt8(ascii: "}") { throw fault("the entry has no members") }
        while true {
            try skipWhiteSpace()
            try readString()
            let name = String(decoding: text, as: UTF8.self)
            try skipWhiteSpace()
            try expect(":", "`:` after the name \"\(name.prefix(40))\"")
            try skipWhiteSpace()
            if !names.insert(name).inserted { throw fault("the entry has two members \(name)") }
            switch name {
            case "seq_id": sequence = try readNumber(name)
            case "qsl_idx": index = try readNumber(name)
            case "data": data = try readHex(name)
            case "token_data": tokenData = try readHex(name)
            case "token_count": tokenCount = try readNumber(name)
            default: try skipValue(name)
            }
            try skipWhiteSpace()
            if try peek() == UInt8(ascii: ",") {
                position += 1
                continue
            }
            try expect("}", "`,` or `}` after the member \(name.prefix(40))")
            break
        }
        guard let sequence else { throw fault("the entry has no member seq_id") }
        guard let index else { throw fault("the entry has no member qsl_idx") }
        guard let data else { throw fault("the entry has no member data") }
        return AccuracyLogEntry(
            sequence: sequence,
            index: index,
            data: data,
            tokenData: tokenData,
            tokenCount: tokenCount
        )
    }

    private mutating func readNumber(_ name: String) throws(AccuracyLogError) -> UInt64 {
        var value: UInt64 = 0
        var digits = 0
        while let byte = try peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            let (tenfold, first) = value.multipliedReportingOverflow(by: 10)
            let (sum, second) = tenfold.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if first || second { throw fault("\(name): the number is beyond 64 bits") }
            value = sum
            digits += 1
            position += 1
        }
        if digits == 0 {
            let end = try peek() == nil ? ", but the file ends: the log is cut off" : ""
            throw fault("\(name): expected a whole number of at least 0\(end)")
        }
        if let byte = try peek(), byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") {
            throw fault("\(name): expected a whole number")
        }
        return value
    }

    private mutating func readHex(_ name: String) throws(AccuracyLogError) -> [UInt8] {
        try expect("\"", "\(name): a string of hexadecimal digits")
        var bytes: [UInt8] = []
        var high: UInt8?
        while true {
            if try peek() == nil { throw fault("\(name): the string does not end: the log is cut off") }
            while position < end {
                let digit = Self.values[Int(buffer[position])]
                if digit < 16 {
                    if let first = high {
                        bytes.append(first << 4 | digit)
                        high = nil
                    } else {
                        high = digit
                    }
                    position += 1
                    continue
                }
                guard buffer[position] == UInt8(ascii: "\"") else {
                    throw fault("\(name): expected hexadecimal digits only")
                }
                if high != nil { throw fault("\(name): an odd number of hexadecimal digits") }
                position += 1
                return bytes
            }
            if bytes.count > Self.longestString { throw fault("\(name): the string is longer than 1 GiB") }
        }
    }

    /// Reads a string into `text`; an escaped character stays as it is written.
    private mutating func readString() throws(AccuracyLogError) {
        try expect("\"", "a string")
        text.removeAll(keepingCapacity: true)
        while let byte = try peek() {
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            text.append(byte)
            if byte == UInt8(ascii: "\\"), let next = try peek() {
                text.append(next)
                position += 1
            }
            if text.count > Self.longestString { throw fault("a string is longer than 1 GiB") }
        }
        throw fault("a string does not end: the log is cut off")
    }

    /// Skips a value that no reader knows: a string, a number or a word.
    private mutating func skipValue(_ name: String) throws(AccuracyLogError) {
        if try peek() == UInt8(ascii: "\"") { return try readString() }
        var length = 0
        while let byte = try peek(), Self.isPlain(byte) {
            position += 1
            length += 1
        }
        if length == 0 {
            let end = try peek() == nil ? ", but the file ends: the log is cut off" : ""
            throw fault("\(name.prefix(40)): expected a string or a number\(end)")
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    /// The value of each hexadecimal digit; 255 for other bytes.
    private static let values: [UInt8] = (0..<256).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt8(byte) - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt8(byte) - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt8(byte) - UInt8(ascii: "a") + 10
        default: 255
        }
    }

    // MARK: Bytes

    private mutating func skipWhiteSpace() throws(AccuracyLogError) {
        while let byte = try peek(), byte == 0x20 || byte >= 0x09 && byte <= 0x0D { position += 1 }
    }

    private mutating func expect(_ wanted: Unicode.Scalar, _ what: String) throws(AccuracyLogError) {
        guard let byte = try peek() else {
            throw fault("expected \(what), but the file ends: the log is cut off")
        }
        guard byte == UInt8(ascii: wanted) else {
            // The official truncation puts three points between head and tail.
            let hint = byte == UInt8(ascii: ".") ? "; the log was truncated for a submission: score the full one" : ""
            throw fault("expected \(what), found \(Self.name(byte))\(hint)")
        }
        position += 1
    }

    private static func name(_ byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F ? "`\(Character(Unicode.Scalar(byte)))`" : "byte \(byte)"
    }

    private func fault(_ reason: String) -> AccuracyLogError {
        AccuracyLogError(path: path, entry: entries, offset: consumed + UInt64(position), reason: reason)
    }

    private mutating func peek() throws(AccuracyLogError) -> UInt8? {
        if position == end, !(try fill()) { return nil }
        return buffer[position]
    }

    private mutating func fill() throws(AccuracyLogError) -> Bool {
        consumed += UInt64(end)
        position = 0
        end = 0
        var received = -1
        var code: CInt = 0
        repeat {
            received = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            code = errno
        } while received < 0 && code == EINTR
        guard received >= 0 else { throw fault("cannot be read: \(String(cString: strerror(code)))") }
        end = received
        buffer.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<received])) }
        return received > 0
    }
}
