/// Longest common subsequences of token lists, 64 positions of the reference at a time.
///
/// The table of dynamic programming is kept as its vertical differences: bit `i` of the row vector of column `j` is 0 where
/// the length grows from reference position `i` to `i + 1` (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004;
/// Crochemore et al. 2001).  The row vectors are enough to walk back through the table.
struct CommonSubsequence {
    private var masks: [UInt64] = []
    private var row: [UInt64] = []
    private var columns: [UInt64] = []
    private var reference: ArraySlice<Int32> = []
    private var words = 0

    /// Sets the reference.
    ///
    /// - Parameters:
    ///   - tokens: Its tokens, numbers from 0.
    ///   - count: One more than the largest of them.
    mutating func prepare(reference tokens: ArraySlice<Int32>, tokenCount count: Int) {
        clearMasks()
        reference = tokens
        words = (tokens.count + 63) / 64
        if masks.count < count * words {
            masks.append(contentsOf: repeatElement(0, count: count * words - masks.count))
        }
        for (position, token) in tokens.enumerated() {
            masks[Int(token) * words + position / 64] |= 1 << UInt64(position % 64)
        }
    }

    private mutating func clearMasks() {
        for (position, token) in reference.enumerated() { masks[Int(token) * words + position / 64] = 0 }
    }

    /// The length of a longest common subsequence with the reference.
    ///
    /// - Parameter prediction: Tokens; a negative number is a token that the reference does not have.
    /// - Returns: Its length.
    mutating func length(_ prediction: ArraySlice<Int32>) -> Int {
        row.removeAll(keepingCapacity: true)
        row.append(contentsOf: repeatElement(~0, count: words))
        masks.withUnsafeBufferPointer { masks in
            row.withUnsafeMutableBufferPointer { row in
                for token in prediction where token >= 0 {
                    Self.advance(row, UnsafeBufferPointer(rebasing: masks[(Int(token) * words)...]), words)
                }
            }
        }
        // Positions beyond the reference match nothing and stay 1.
        var zeros = 0
        for word in row { zeros += (~word).nonzeroBitCount }
        return zeros
    }

    @inline(__always)
    private static func advance(
        _ row: UnsafeMutableBufferPointer<UInt64>,
        _ mask: UnsafeBufferPointer<UInt64>,
        _ words: Int
    ) {
        var carry: UInt64 = 0
        for word in 0..<words {
            let old = row[word]
            let matched = old & mask[word]
            let (sum, first) = old.addingReportingOverflow(matched)
            let (total, second) = sum.addingReportingOverflow(carry)
            carry = first || second ? 1 : 0
            row[word] = total | (old & ~mask[word])
        }
    }

    /// Marks the reference positions of the common subsequence that rouge_score's walk through the table takes.
    ///
    /// From the end of both lists: equal tokens are taken; else the walk goes back in the prediction if the length there is
    /// greater than one back in the reference, otherwise back in the reference.
    ///
    /// - Parameters:
    ///   - prediction: Tokens; a negative number is a token that the reference does not have.
    ///   - marks: One for each reference position; set where a token is taken.
    mutating func mark(_ prediction: ArraySlice<Int32>, in marks: inout [Bool]) {
        if reference.isEmpty || prediction.isEmpty { return }
        row.removeAll(keepingCapacity: true)
        row.append(contentsOf: repeatElement(~0, count: words))
        columns.removeAll(keepingCapacity: true)
        for token in prediction {
            if token >= 0 {
                masks.withUnsafeBufferPointer { masks in
                    row.withUnsafeMutableBufferPointer { row in
                        Self.advance(row, UnsafeBufferPointer(rebasing: masks[(Int(token) * words)...]), words)
                    }
                }
            }
            columns.append(contentsOf: row)
        }
        var i = reference.count - 1
        var j = prediction.count - 1
        while i >= 0 && j >= 0 {
            if reference[reference.startIndex + i] == prediction[prediction.startIndex + j] {
                marks[i] = true
                i -= 1
                j -= 1
            } else if columns[j * words + i / 64] >> UInt64(i % 64) & 1 == 0 {
                // The length grows at i, so not from one back in the reference: it is that of one back in the prediction.
                j -= 1
            } else {
                i -= 1
            }
        }
    }
}
