internal import Glibc

/// The user's folder for what can be made again: deleting it is always safe.
public enum CacheFolder {
    /// `$XDG_CACHE_HOME/podium/NAME`, else `~/.cache/podium/NAME`; nil without a home.
    ///
    /// A variable that is not an absolute path counts as none (XDG Base Directory Specification).
    ///
    /// - Parameter name: A file or folder in it.
    /// - Returns: Its path; nothing is made.
    public static func path(_ name: String) -> String? {
        if let folder = absolute("XDG_CACHE_HOME") { return "\(folder)/podium/\(name)" }
        return absolute("HOME").map { "\($0)/.cache/podium/\(name)" }
    }

    private static func absolute(_ variable: String) -> String? {
        guard let value = getenv(variable).map({ String(cString: $0) }), value.hasPrefix("/") else { return nil }
        return value
    }
}
