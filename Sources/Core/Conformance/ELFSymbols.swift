import Glibc

/// The dynamic symbols of a 64-bit little-endian ELF file (System V ABI, "Symbol Table").
enum ELFSymbols {
    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    /// Names of the symbols that a shared library defines for others.
    static func exported(byFile path: String) throws -> [String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Malformed(description: "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size > 64, let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw Malformed(description: "\(path): not an ELF file")
        }
        defer { munmap(base, size) }
        let file = UnsafeRawBufferPointer(start: base, count: size)

        func read<Word: FixedWidthInteger>(_ offset: Int, as: Word.Type) throws -> Int {
            guard offset >= 0, offset <= size - MemoryLayout<Word>.size else {
                throw Malformed(description: "\(path): a table ends beyond the file")
            }
            return Int(
                truncatingIfNeeded: Word(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: Word.self))
            )
        }
        guard file.prefix(6).elementsEqual([0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            throw Malformed(description: "\(path): not a 64-bit little-endian ELF file")
        }
        let sections = try read(40, as: UInt64.self)
        let sectionSize = try read(58, as: UInt16.self)
        let sectionCount = try read(60, as: UInt16.self)
        var names: [String] = []
        for index in 0..<sectionCount {
            let section = sections + index * sectionSize
            let dynamicSymbols = 11
            guard try read(section + 4, as: UInt32.self) == dynamicSymbols else { continue }
            let start = try read(section + 24, as: UInt64.self)
            let length = try read(section + 32, as: UInt64.self)
            let strings = try read(
                sections + (try read(section + 40, as: UInt32.self)) * sectionSize + 24,
                as: UInt64.self
            )
            for symbol in stride(from: start, to: start + length, by: 24) {
                let info = try read(symbol + 4, as: UInt8.self)
                let visibility = try read(symbol + 5, as: UInt8.self) & 3
                let home = try read(symbol + 6, as: UInt16.self)
                // Defined (home), global or weak (binding 1, 2), neither hidden nor internal; version nodes are absolute.
                let isDefined = home != 0 && home != 0xFFF1
                guard isDefined, [1, 2].contains(info >> 4), visibility == 0 || visibility == 3 else { continue }
                var end = strings + (try read(symbol, as: UInt32.self))
                let first = end
                while try read(end, as: UInt8.self) != 0 { end += 1 }
                names.append(String(decoding: file[first..<end], as: UTF8.self))
            }
        }
        return names
    }
}
