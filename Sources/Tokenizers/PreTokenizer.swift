/// How a tokenizer.json cuts text into words, across which nothing merges.
enum PreTokenizer: Sendable {
    /// Not at all.
    case none
    /// By a regular expression, then byte by byte.
    case pattern(WordPattern)
    /// At spaces, which become a visible mark.
    case metaspace(Metaspace)
}

/// tokenizers' Metaspace: spaces become a mark, one mark goes in front.
struct Metaspace: Sendable {
    /// Where a mark is put in front of a text that does not start with one.
    enum PrependScheme: String, Sendable {
        case always, first, never
    }

    var mark: [UInt8]
    var scheme: PrependScheme
    /// Whether each mark starts a new word.
    var splits: Bool

    /// Calls `body` with each word; `isStart` tells whether `text` stands at the very start of the input.
    func forEachWord(
        in text: UnsafeBufferPointer<UInt8>,
        isStart: Bool,
        _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        var marked = replacing([UInt8(ascii: " ")], by: mark, in: Array(text))
        if scheme == .always || scheme == .first && isStart, !marked.starts(with: mark) {
            marked.insert(contentsOf: mark, at: 0)
        }
        marked.withUnsafeBufferPointer { marked in
            guard splits else {
                body(marked)
                return
            }
            var start = 0
            var position = 0
            while position < marked.count {
                if marked[position] == mark[0], marked[position...].starts(with: mark) {
                    if position > start { body(UnsafeBufferPointer(rebasing: marked[start..<position])) }
                    start = position
                    position += mark.count
                } else {
                    position += 1
                }
            }
            if start < marked.count { body(UnsafeBufferPointer(rebasing: marked[start...])) }
        }
    }
}
