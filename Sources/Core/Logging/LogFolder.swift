import Files
import Glibc

/// The folder that takes a run's logs.
enum LogFolder {
    /// Makes the folder and its parents, and checks that files can be made in it.
    static func create(_ path: String) throws {
        do throws(FileError) {
            try Folder.make(path, permissions: 0o755)
        } catch {
            throw LoadGenError.logFile(path: error.path, reason: error.reason)
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw LoadGenError.logFile(path: path, reason: String(cString: strerror(errno)))
        }
    }
}
