/// A 64-bit little-endian ELF file in memory (System V ABI), read with every offset checked.
struct ELFImage {
    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    struct Section {
        var kind: Int
        var offset: Int
        var size: Int
        var link: Int
    }

    struct Symbol {
        var name: String
        /// Type in the low half, binding in the high one.
        var info: Int
        /// Visibility in the low two bits.
        var other: Int
        /// The section that it is defined in; 0 for none.
        var home: Int
    }

    /// Kinds of sections.
    static let (symbolTable, notes, dynamicSymbols) = (2, 7, 11)

    let bytes: UnsafeRawBufferPointer
    let sections: [Section]

    /// - Throws: `Malformed` when it is no such file or a table ends beyond it.
    init(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        self.bytes = bytes
        guard bytes.count >= 64, bytes.prefix(6).elementsEqual([0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            throw Malformed(description: "not a 64-bit little-endian ELF file")
        }
        let start = try Self.read(bytes, 40, UInt64.self)
        let stride = try Self.read(bytes, 58, UInt16.self)
        var sections: [Section] = []
        for index in 0..<(try Self.read(bytes, 60, UInt16.self)) {
            let section = start &+ index * stride
            sections.append(
                Section(
                    kind: try Self.read(bytes, section &+ 4, UInt32.self),
                    offset: try Self.read(bytes, section &+ 24, UInt64.self),
                    size: try Self.read(bytes, section &+ 32, UInt64.self),
                    link: try Self.read(bytes, section &+ 40, UInt32.self)
                )
            )
        }
        self.sections = sections
    }

    /// `e_machine`: 224 for AMD GPUs, 190 for CUDA.
    var machine: Int { Int(bytes[18]) | Int(bytes[19]) << 8 }
    /// `EI_ABIVERSION`.
    var abiVersion: Int { Int(bytes[8]) }
    /// `e_flags`.
    var flags: Int { (48..<52).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) } }

    /// The symbols of the tables of a kind.
    func symbols(_ kind: Int) throws(Malformed) -> [Symbol] {
        var symbols: [Symbol] = []
        for section in sections where section.kind == kind {
            guard section.link < sections.count else { throw Self.beyond }
            let strings = sections[section.link].offset
            guard section.offset >= 0, section.size >= 0, section.offset <= bytes.count,
                section.size <= bytes.count - section.offset
            else { throw Self.beyond }
            for symbol in stride(from: section.offset, to: section.offset + section.size, by: 24) {
                symbols.append(
                    Symbol(
                        name: try text(strings &+ (try Self.read(bytes, symbol, UInt32.self))),
                        info: try Self.read(bytes, symbol + 4, UInt8.self),
                        other: try Self.read(bytes, symbol + 5, UInt8.self),
                        home: try Self.read(bytes, symbol + 6, UInt16.self)
                    )
                )
            }
        }
        return symbols
    }

    /// The bytes of the sections of a kind.
    func contents(_ kind: Int) throws(Malformed) -> [UnsafeRawBufferPointer] {
        var contents: [UnsafeRawBufferPointer] = []
        for section in sections where section.kind == kind {
            guard section.offset >= 0, section.size >= 0, section.offset <= bytes.count,
                section.size <= bytes.count - section.offset
            else { throw Self.beyond }
            contents.append(UnsafeRawBufferPointer(rebasing: bytes[section.offset..<section.offset + section.size]))
        }
        return contents
    }

    private func text(_ start: Int) throws(Malformed) -> String {
        guard start >= 0, start < bytes.count, let end = bytes[start...].firstIndex(of: 0) else { throw Self.beyond }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private static let beyond = Malformed(description: "a table ends beyond the file")

    private static func read<Word: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer,
        _ offset: Int,
        _ type: Word.Type
    ) throws(Malformed) -> Int {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Word>.size else { throw beyond }
        return Int(truncatingIfNeeded: Word(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)))
    }
}
