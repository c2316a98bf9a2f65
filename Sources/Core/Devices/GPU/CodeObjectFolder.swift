import Files
import RunRecords

/// The code objects that lie beside a plugin: `libX.kernels/` for `libX.so`.
///
/// A file is named by its family, its target and the SHA-256 of the family's source, so an object of an older source is
/// never taken for the new one's.
public struct CodeObjectFolder: Sendable {
    /// The folder; it need not be there.
    public let path: String

    /// The folder of a plugin.
    ///
    /// - Parameter plugin: The library's file.
    public init(besides plugin: String) {
        path = (plugin.hasSuffix(".so") ? String(plugin.dropLast(3)) : plugin) + ".kernels"
    }

    /// The name of an object's file.
    ///
    /// - Parameters:
    ///   - family: Its family's name.
    ///   - target: `gfx950`, `sm_90`.
    ///   - source: The hash of the family's source, from `hash(of:)`.
    /// - Returns: `gemm.gfx950.HASH.co`.
    public static func name(family: String, target: String, source: String) -> String {
        "\(family).\(target).\(source).co"
    }

    /// The SHA-256 of a source, in hexadecimal.
    public static func hash(of source: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(source)
        return hash.hexadecimal()
    }

    /// The targets that the folder has an object of a family's present source for, sorted.
    func targets(of family: KernelTable.Family) -> [String] {
        guard !family.source.isEmpty else { return [] }
        let (start, end) = ("\(family.name).", ".\(Self.hash(of: family.source)).co")
        return Folder.names(in: path)
            .filter { $0.hasPrefix(start) && $0.hasSuffix(end) && $0.utf8.count > start.utf8.count + end.utf8.count }
            .map { String($0.dropFirst(start.count).dropLast(end.count)) }
    }

    /// The object of a family for a target.
    ///
    /// - Returns: Its file and bytes; nil where there is none of this source.
    /// - Throws: `FileError` where it is there and cannot be read.
    func object(of family: KernelTable.Family, target: String) throws(FileError) -> (file: String, image: [UInt8])? {
        guard !family.source.isEmpty, Folder.isThere(path) else { return nil }
        let name = Self.name(family: family.name, target: target, source: Self.hash(of: family.source))
        let file = "\(path)/\(name)"
        guard WholeFile.isThere(file) else { return nil }
        return (file, try WholeFile.read(file))
    }
}
