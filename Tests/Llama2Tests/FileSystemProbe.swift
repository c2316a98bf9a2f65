import FoundationEssentials

enum FileSystemProbe {
    static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
