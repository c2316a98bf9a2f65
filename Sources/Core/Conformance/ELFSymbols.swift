import Glibc

/// The dynamic symbols of a shared library.
enum ELFSymbols {
    /// Names of the symbols that a shared library defines for others.
    static func exported(byFile path: String) throws -> [String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ELFImage.Malformed(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size > 64, let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw ELFImage.Malformed(description: "\(path): not an ELF file")
        }
        defer { munmap(base, size) }
        do throws(ELFImage.Malformed) {
            return try ELFImage(UnsafeRawBufferPointer(start: base, count: size)).symbols(ELFImage.dynamicSymbols)
                .filter(isExported).map(\.name)
        } catch {
            throw ELFImage.Malformed(description: "\(path): \(error)")
        }
    }

    /// Defined, global or weak (binding 1, 2), neither hidden nor internal; version nodes are absolute.
    private static func isExported(_ symbol: ELFImage.Symbol) -> Bool {
        symbol.home != 0 && symbol.home != 0xFFF1 && [1, 2].contains(symbol.info >> 4)
            && [0, 3].contains(symbol.other & 3)
    }
}
