extension Collection<UInt8> {
    /// Whether this is the text of a byte token such as `<0x0A>`.
    var isByteToken: Bool { count == 6 && byteTokenValue(Array(self)) != nil }
}

extension ModelText {
    /// Something that the general reader has to look at.
    struct Unusual: Error {}

    /// The name of each id, and ids by name.
    func vocabulary() throws -> ([[UInt8]?], PieceTable) {
        let largest = Int(ids.max() ?? 0)
        guard !ids.isEmpty, largest < TokenizerLimits.vocabulary, largest < 2 * ids.count + 65536 else {
            throw Unusual()
        }
        var result = [[UInt8]?](repeating: nil, count: largest + 1)
        var table = PieceTable(capacity: largest + 1)
        try names.bytes.withUnsafeBufferPointer { bytes in
            for (index, id) in ids.enumerated() {
                let name = UnsafeBufferPointer(rebasing: bytes[names[UInt32(truncatingIfNeeded: index)]])
                guard result[Int(id)] == nil, table.insert(name, id: id, hash: PieceTable.hash(name)) else {
                    throw Unusual()
                }
                result[Int(id)] = Array(name)
            }
        }
        return (result, table)
    }

    func merges(
        _ table: PieceTable,
        _ unknownToken: UInt32?
    ) throws -> (MergeTable, [TokenBoundaries.Merge], Bool) {
        let count = mergeParts.count / 2
        guard count <= TokenizerLimits.merges else { throw Unusual() }
        var powers: [UInt64] = [1]
        for _ in 0..<TokenizerLimits.pieceBytes { powers.append(powers[powers.count - 1] &* PieceTable.multiplier) }
        var merges = MergeTable(capacity: count)
        var list: [TokenBoundaries.Merge] = []
        list.reserveCapacity(count)
        var mergesFallbacks = false
        try mergeParts.bytes.withUnsafeBufferPointer { bytes in
            for rank in 0..<UInt32(truncatingIfNeeded: count) {
                let left = UnsafeBufferPointer(rebasing: bytes[mergeParts[2 * rank]])
                let right = UnsafeBufferPointer(rebasing: bytes[mergeParts[2 * rank + 1]])
                // The two stand side by side.
                let start = mergeParts.start(2 * rank)
                let joined = UnsafeBufferPointer(rebasing: bytes[start..<(start + left.count + right.count)])
                guard right.count <= TokenizerLimits.pieceBytes else { throw Unusual() }
                let leftHash = PieceTable.hash(left)
                let rightHash = PieceTable.hash(right)
                let merge = TokenBoundaries.Merge(
                    left: table.id(of: left, hash: leftHash),
                    right: table.id(of: right, hash: rightHash),
                    rank: rank,
                    joined: table.id(of: joined, hash: leftHash &* powers[right.count] &+ rightHash)
                )
                guard merge.left != PieceTable.none, merge.right != PieceTable.none, merge.joined != PieceTable.none
                else { throw Unusual() }
                if left.isByteToken || right.isByteToken || merge.left == unknownToken || merge.right == unknownToken {
                    mergesFallbacks = true
                }
                merges.insert(left: merge.left, right: merge.right, rank: rank, joined: merge.joined, replacing: true)
                list.append(merge)
            }
        }
        return (merges, list, mergesFallbacks)
    }
}
