/// A command line of the host, as it is started and as a person types it.
public struct HostCommand: Sendable, Equatable {
    /// The words behind the program's name.
    public var words: [String]

    /// A command from its words.
    public init(_ words: [String]) { self.words = words }

    /// The command for a shell.
    ///
    /// - Parameter program: What the program is called.
    /// - Returns: One line.
    public func shell(program: String) -> String {
        ([program] + words).map(Self.quoted).joined(separator: " ")
    }

    private static func quoted(_ word: String) -> String {
        let harmless = word.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-_./=:,+@%".utf8.contains(byte)
        }
        if harmless, !word.isEmpty { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
