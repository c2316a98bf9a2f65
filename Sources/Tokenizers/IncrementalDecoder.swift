/// Turns ids into text one at a time, as a model produces them.
///
/// Text comes out as soon as no later id can change it: bytes that may still become a character are held back. All that
/// is appended, with ``finish(to:)`` at the end, is exactly what the reference library gives for the whole sequence.
public struct IncrementalDecoder: Sendable {
    private let vocabulary: DecodingVocabulary
    private let skipSpecialTokens: Bool
    private var pending: [UInt8] = []
    private var wroteText = false
    private var sawLeadingSpace = false
    private var leadingSpacesToDrop: Int

    init(_ vocabulary: DecodingVocabulary, skipSpecialTokens: Bool) {
        self.vocabulary = vocabulary
        self.skipSpecialTokens = skipSpecialTokens
        leadingSpacesToDrop = vocabulary.leadingSpaces
        pending.reserveCapacity(64)
    }

    /// Takes the next id and appends the text that is certain now.
    ///
    /// - Parameters:
    ///   - id: The next token.
    ///   - text: Receives UTF-8 bytes, possibly none.
    /// - Throws: ``TokenizerError`` for an id that the vocabulary does not have; the decoder's state is unchanged.
    public mutating func append(_ id: UInt32, to text: inout [UInt8]) throws {
        let entry = try vocabulary.entry(of: id)
        if skipSpecialTokens, entry.isSpecial { return }
        switch vocabulary.rule {
        case .sentencePiece:
            appendSentencePiece(entry, to: &text)
        case .byteFallback:
            if entry.kind == .byte {
                pending.append(vocabulary.arena[entry.range.lowerBound])
            } else {
                flushByteRun(to: &text)
                write(vocabulary.arena[entry.range], to: &text)
            }
        case .byteLevel:
            pending.append(contentsOf: vocabulary.arena[entry.range])
            drain(to: &text, badBytesTogether: true)
        }
    }

    /// The text of all of `ids`, from the initial state; what ``append(_:to:)`` and ``finish(to:)`` give, at once.
    mutating func decodeAll(_ ids: [UInt32]) throws -> [UInt8] {
        var text = GrowingBuffer<UInt8>(capacity: 5 * ids.count + 64)
        defer { text.deallocate() }
        var part: [UInt8] = []
        try vocabulary.arena.withUnsafeBufferPointer { arena in
            try vocabulary.places.withUnsafeBufferPointer { places in
                for id in ids {
                    // Once there is text and nothing is held back, a token of whole characters is just copied.
                    if isPlain, id < places.count, case let place = places[Int(id)], place.isWhole,
                        !(skipSpecialTokens && place.isSpecial)
                    {
                        text.append(arena, from: Int(place.start), count: Int(place.length))
                        continue
                    }
                    part.removeAll(keepingCapacity: true)
                    try append(id, to: &part)
                    for byte in part { text.append(byte) }
                }
            }
        }
        part.removeAll(keepingCapacity: true)
        finish(to: &part)
        for byte in part { text.append(byte) }
        return Array(UnsafeBufferPointer(start: text.base, count: text.count))
    }

    /// Whether the text of the next token of whole characters is written as it is.
    private var isPlain: Bool {
        switch vocabulary.rule {
        case .sentencePiece: pending.isEmpty && wroteText
        case .byteFallback: pending.isEmpty && leadingSpacesToDrop == 0
        case .byteLevel: pending.isEmpty
        }
    }

    /// Appends what is still held back, incomplete characters as U+FFFD, and starts anew.
    ///
    /// - Parameter text: Receives UTF-8 bytes, possibly none.
    public mutating func finish(to text: inout [UInt8]) {
        switch vocabulary.rule {
        case .sentencePiece:
            flushIncomplete(to: &text)
        case .byteFallback:
            flushByteRun(to: &text)
        case .byteLevel:
            if !pending.isEmpty { text.append(contentsOf: UTF8Sequence.replacement) }
            pending.removeAll(keepingCapacity: true)
        }
        wroteText = false
        sawLeadingSpace = false
        leadingSpacesToDrop = vocabulary.leadingSpaces
    }

    // sentencepiece_processor.cc, Decode: the leading U+2581 of the first piece is the dummy prefix and is dropped;
    // "first" means that nothing has been written and no such mark has been dropped yet.
    private mutating func appendSentencePiece(_ entry: DecodingVocabulary.Entry, to text: inout [UInt8]) {
        if entry.kind == .byte {
            pending.append(vocabulary.arena[entry.range.lowerBound])
            drain(to: &text, badBytesTogether: false)
            return
        }
        flushIncomplete(to: &text)
        var range = entry.range
        if entry.kind == .markedText, vocabulary.leadingSpaces > 0, !wroteText, !sawLeadingSpace {
            range = (range.lowerBound + 1)..<range.upperBound
            // With remove_extra_whitespaces the marks of later pieces go too, until there is text.
            sawLeadingSpace = !vocabulary.dropsAllLeadingSpaces
        }
        text.append(contentsOf: vocabulary.arena[range])
        if !range.isEmpty { wroteText = true }
    }

    private mutating func flushIncomplete(to text: inout [UInt8]) {
        if pending.isEmpty { return }
        for _ in pending { text.append(contentsOf: UTF8Sequence.replacement) }
        wroteText = true
        pending.removeAll(keepingCapacity: true)
    }

    // tokenizers, decoders/byte_fallback.rs: a run of byte tokens is text as a whole or U+FFFD for each of its bytes.
    private mutating func flushByteRun(to text: inout [UInt8]) {
        if pending.isEmpty { return }
        if pending.withUnsafeBufferPointer(UTF8Sequence.isValid) {
            write(pending[...], to: &text)
        } else {
            leadingSpacesToDrop = 0
            for _ in pending { text.append(contentsOf: UTF8Sequence.replacement) }
        }
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
        var bytes = bytes
        while leadingSpacesToDrop > 0, let first = bytes.first {
            if first == UInt8(ascii: " ") {
                bytes = bytes.dropFirst()
                leadingSpacesToDrop -= 1
            } else {
                leadingSpacesToDrop = 0
            }
        }
        text.append(contentsOf: bytes)
    }

    /// Writes all of `pending` but an unfinished character at its end.
    private mutating func drain(to text: inout [UInt8], badBytesTogether: Bool) {
        let kept = pending.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            var position = 0
            while position < bytes.count {
                switch UTF8Sequence(base, at: position, end: bytes.count) {
                case .scalar(_, let length):
                    for offset in 0..<length { text.append(base[position + offset]) }
                    position += length
                case .malformed(let length):
                    text.append(contentsOf: UTF8Sequence.replacement)
                    position += badBytesTogether ? length : 1
                case .incomplete:
                    return bytes.count - position
                }
            }
            return 0
        }
        if kept < pending.count { wroteText = true }
        pending.removeSubrange(0..<(pending.count - kept))
    }
}
