import PluginAPI

/// Sequences of int32 in Megatron's indexed form: an index with lengths and offsets beside one file of data.
struct IndexedSequences {
    private let data: [UInt8]
    private var ranges: [Range<Int>] = []

    /// Bytes before the arrays: magic, version, type code, two counts; nothing in the index is aligned.
    private static let headerSize = 34
    private static let magic = Array("MMIDIDX".utf8) + [0, 0]
    private static let int32Code: UInt8 = 4

    /// Checks an index against its data.
    ///
    /// - Throws: `PluginError` that names the file and what is wrong with it.
    init(index: [UInt8], indexName: String, data: [UInt8], dataName: String, count: Int) throws {
        func fault(_ reason: String) -> PluginError { PluginError(.ioError, "\(indexName): \(reason)") }
        self.data = data
        guard index.count >= Self.headerSize, index.starts(with: Self.magic) else {
            throw fault("is not the index of an indexed data set: it does not begin with MMIDIDX")
        }
        guard Self.unsigned(index, at: 9) == 1 else {
            throw fault("has version \(Self.unsigned(index, at: 9)), expected 1")
        }
        guard index[17] == Self.int32Code else {
            throw fault("has element type \(index[17]), expected \(Self.int32Code), which is int32")
        }
        guard Self.unsigned(index, at: 18) == UInt64(count), Self.unsigned(index, at: 26) == UInt64(count) + 1 else {
            throw fault(
                "states \(Self.unsigned(index, at: 18)) sequences and \(Self.unsigned(index, at: 26)) documents, "
                    + "but dataset.json states \(count) samples"
            )
        }
        guard index.count == 42 + 20 * count else {
            throw fault("has \(index.count) bytes, but \(count) sequences take \(42 + 20 * count)")
        }
        var expected = 0
        ranges.reserveCapacity(count)
        for sequence in 0..<count {
            let length = Self.signed(index, at: Self.headerSize + 4 * sequence)
            let offset = Self.unsigned(index, at: Self.headerSize + 4 * count + 8 * sequence)
            guard length >= 0 else { throw fault("sequence \(sequence) has length \(length)") }
            guard offset == UInt64(expected) else {
                throw fault("sequence \(sequence) begins at byte \(offset), expected \(expected)")
            }
            let end = expected + 4 * Int(length)
            guard end <= data.count else {
                throw fault(
                    "sequence \(sequence) ends at byte \(end), but \(dataName) has \(data.count): it is cut short"
                )
            }
            ranges.append(expected..<end)
            expected = end
        }
        guard expected == data.count else {
            throw fault("the sequences end at byte \(expected), but \(dataName) has \(data.count)")
        }
    }

    /// The ids of a sequence.
    subscript(sequence: Int) -> [Int] {
        stride(from: ranges[sequence].lowerBound, to: ranges[sequence].upperBound, by: 4)
            .map { Int(Self.signed(data, at: $0)) }
    }

    private static func signed(_ bytes: [UInt8], at offset: Int) -> Int32 {
        bytes.withUnsafeBytes { Int32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int32.self)) }
    }

    private static func unsigned(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    }
}
