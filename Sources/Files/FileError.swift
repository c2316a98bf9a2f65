internal import Glibc

/// What a file system refused.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file or folder.
    public var path: String
    /// What was refused, and the system's words for why.
    public var reason: String

    /// An error about a path.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// An error in the system's words.
    ///
    /// - Parameters:
    ///   - path: The file or folder.
    ///   - what: "cannot be made".
    ///   - code: An errno value.
    init(_ path: String, _ what: String, _ code: CInt = errno) {
        self.init(path: path, reason: "\(what): \(String(cString: strerror(code)))")
    }

    /// `PATH: what is wrong`.
    public var description: String { "\(path): \(reason)" }
}
