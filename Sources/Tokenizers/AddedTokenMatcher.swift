internal import Glibc

/// Finds added tokens in a text: leftmost first, the longest of those that start at the same place.
struct AddedTokenMatcher: Sendable {
    /// A token to find.
    struct Token: Sendable {
        var id: UInt32
        var content: [UInt8]
        /// Only where no letter, digit or underscore touches it.
        var singleWord = false
        /// Takes the white space before it along.
        var stripsLeft = false
        /// Takes the white space after it along.
        var stripsRight = false
    }

    private var tokens: [Token] = []
    // A trie: (node, byte) to node. Node 0 is the root; `ends` holds the token that is complete at a node.
    private var edges = MergeTable()
    private var ends: [UInt32] = [PieceTable.none]
    private var startsToken = [Bool](repeating: false, count: 256)
    // The first byte of all tokens where they share one.
    private var onlyStart: UInt8? = nil

    var isEmpty: Bool { tokens.isEmpty }

    /// Adds a token with a content that is not empty; the first of two with the same content stays.
    mutating func insert(_ token: Token) {
        guard let first = token.content.first else { return }
        onlyStart = tokens.isEmpty || onlyStart == first ? first : nil
        startsToken[Int(first)] = true
        var node: UInt32 = 0
        for byte in token.content {
            let known = edges.withLookup { $0(node, UInt32(byte)) }
            if known != MergeTable.none {
                node = UInt32(truncatingIfNeeded: known)
            } else {
                let child = UInt32(truncatingIfNeeded: ends.count)
                ends.append(PieceTable.none)
                edges.insert(left: node, right: UInt32(byte), rank: 0, joined: child)
                node = child
            }
        }
        if ends[Int(node)] == PieceTable.none {
            ends[Int(node)] = UInt32(truncatingIfNeeded: tokens.count)
            tokens.append(token)
        }
    }

    /// Cuts `text` at the tokens: calls `body` with each non-empty stretch between them (id nil) and each token.
    func forEachPart(
        of text: UnsafeBufferPointer<UInt8>,
        _ body: (_ id: UInt32?, _ range: Range<Int>) throws -> Void
    ) rethrows {
        var done = 0
        var position = 0
        if !tokens.isEmpty {
            while position < text.count {
                position = nextStart(in: text, from: position)
                if position == text.count { break }
                guard let (token, end) = longest(at: position, in: text) else {
                    position += 1
                    continue
                }
                var start = position
                var stop = end
                position = end
                if token.singleWord, touchesWord(text, start, stop) { continue }
                if token.stripsLeft { start = spacesStart(text, from: done, before: start) }
                if token.stripsRight { stop = spacesEnd(text, from: stop) }
                if done < start { try body(nil, done..<start) }
                try body(token.id, start..<stop)
                done = stop
                position = max(position, stop)
            }
        }
        if done < text.count { try body(nil, done..<text.count) }
    }

    private func nextStart(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        if let onlyStart, let base = text.baseAddress {
            let found = memchr(base + start, CInt(onlyStart), text.count - start)
            return found.map { UnsafeRawPointer($0) - UnsafeRawPointer(base) } ?? text.count
        }
        return startsToken.withUnsafeBufferPointer { startsToken in
            var position = start
            while position < text.count, !startsToken[Int(text[position])] { position += 1 }
            return position
        }
    }

    private func longest(at start: Int, in text: UnsafeBufferPointer<UInt8>) -> (Token, end: Int)? {
        var found: (UInt32, Int)? = nil
        edges.withLookup { lookup in
            var node: UInt32 = 0
            var position = start
            while position < text.count {
                let child = lookup(node, UInt32(text[position]))
                if child == MergeTable.none { break }
                node = UInt32(truncatingIfNeeded: child)
                position += 1
                if ends[Int(node)] != PieceTable.none { found = (ends[Int(node)], position) }
            }
        }
        return found.map { (tokens[Int($0.0)], end: $0.1) }
    }

    private func touchesWord(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if start > 0, isWord(codePoint(text, before: start).value) { return true }
        return end < text.count && isWord(codePoint(text, at: end).value)
    }

    /// `\w` of Rust's regex crate: Alphabetic, M, Nd, Pc and Join_Control.
    private func isWord(_ codePoint: UInt32) -> Bool {
        guard let properties = Unicode.Scalar(codePoint)?.properties else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return properties.isAlphabetic || properties.isJoinControl
        }
    }

    /// Where the white space before `end` starts; what lies before `first` belongs to other parts, and to look at it for
    /// every token would take time in proportion to the square of the text.
    private func spacesStart(_ text: UnsafeBufferPointer<UInt8>, from first: Int, before end: Int) -> Int {
        var start = end
        while start > first {
            let (value, length) = codePoint(text, before: start)
            if !CharacterClass(of: value).contains(.space) { break }
            start -= length
        }
        return start
    }

    private func spacesEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var end = start
        while end < text.count {
            let (value, length) = codePoint(text, at: end)
            if !CharacterClass(of: value).contains(.space) { break }
            end += length
        }
        return end
    }

    private func codePoint(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> (value: UInt32, length: Int) {
        guard let base = text.baseAddress,
            case .scalar(let value, let length) = UTF8Sequence(base, at: start, end: text.count)
        else { return (0xFFFD, 1) }
        return (value, length)
    }

    private func codePoint(_ text: UnsafeBufferPointer<UInt8>, before end: Int) -> (value: UInt32, length: Int) {
        var start = end - 1
        while start > 0, end - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
        let (value, length) = codePoint(text, at: start)
        return length == end - start ? (value, length) : (0xFFFD, 1)
    }
}
