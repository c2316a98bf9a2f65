/// The process in which a vendor's compiler runs; started by `RuntimeCompiler`.
public enum CompilerProcess {
    /// Compiles one file.
    ///
    /// - Parameter words: Kind, target, name, and the paths of source, image and messages.
    /// - Returns: Whether an image was written.
    public static func run(_ words: [String]) -> Bool {
        guard words.count == 6, let kind = DeviceSelection(words[0])?.kind, kind != .cpu else { return false }
        return RuntimeCompiler.compileFile(
            words[3],
            name: words[2],
            target: words[1],
            kind: kind,
            output: words[4],
            messages: words[5]
        )
    }
}
