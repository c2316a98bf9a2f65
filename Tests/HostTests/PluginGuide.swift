@testable import Core

/// docs/writing-a-plugin.md in parts: the files that it shows and the commands that it gives.
struct PluginGuide {
    static let path = HostProcess.root + "/docs/writing-a-plugin.md"
    static let package = HostProcess.root + "/Examples/Vector"

    /// Texts after `<!-- file: PATH -->`, by path in the package.
    private(set) var files: [(path: String, text: String)] = []
    /// Lines of the blocks after `<!-- run -->`, in order.
    private(set) var commands: [String] = []

    init() {
        var mark: String?
        var block: [Substring]?
        for line in (SettingsReader.read(Self.path) ?? "").split(separator: "\n", omittingEmptySubsequences: false) {
            if let lines = block {
                guard line == "```" else {
                    block = lines + [line]
                    continue
                }
                if mark == "run" {
                    commands += lines.map(String.init)
                } else if let name = mark, name.hasPrefix("file: ") {
                    files.append((String(name.dropFirst(6)), lines.joined(separator: "\n") + "\n"))
                }
                (block, mark) = (nil, nil)
            } else if line.hasPrefix("```") {
                block = []
            } else if line.hasPrefix("<!-- "), line.hasSuffix(" -->") {
                mark = String(line.dropFirst(5).dropLast(4))
            }
        }
    }
}
