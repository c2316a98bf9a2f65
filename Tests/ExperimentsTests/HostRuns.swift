import Core
import Glibc
import Synchronization
import Testing

@testable import Experiments

/// The built host and plugins, run as a user runs them.
enum HostRuns {
    /// What a command left behind.
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// The checkout.
    static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// Where the build put the products: beside the test bundle.
    static let products: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count))
        let executable = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let beside = [executable, CommandLine.arguments.first ?? ""].map { path in
            path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        }
        return (beside + [root + "/.build/release", root + "/.build/debug"])
            .first { access($0 + "/host", X_OK) == 0 } ?? root + "/.build/release"
    }()

    static var host: String { products + "/host" }

    static func plugin(_ name: String) -> String { "plugin=\(products)/lib\(name).so" }

    /// Runs a command of the host.
    ///
    /// - Parameters:
    ///   - words: Its words.
    ///   - file: Where given, SIGINT is sent once this file is there.
    /// - Returns: What it left behind.
    /// - Throws: `ExperimentError` where it does not end.
    static func run(_ words: [String], interruptOnce file: String? = nil) throws -> Outcome {
        let folder = try self.folder()
        let (output, errors) = ("\(folder)/output", "\(folder)/errors")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o666)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT, 0o666)
        var arguments: [UnsafeMutablePointer<CChar>?] = ([host] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let started = posix_spawn(&pid, host, &actions, nil, &arguments, environ)
        try #require(started == 0, "\(host): \(String(cString: strerror(started)))")
        var isInterrupted = file == nil
        var status: Int32 = 0
        for _ in 0..<6_000 {
            if waitpid(pid, &status, WNOHANG) == pid {
                let signal = status & 0x7F
                return Outcome(
                    status: signal == 0 ? status >> 8 & 0xFF : 128 + signal,
                    output: try text(output),
                    errors: try text(errors)
                )
            }
            if !isInterrupted, let file, access(file, F_OK) == 0 {
                // The run's record is written before its first query; a moment later it is under way.
                usleep(300_000)
                kill(pid, SIGINT)
                isInterrupted = true
            }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
        throw ExperimentError("it still runs after 60 s: \(words): \(try text(errors).suffix(2000))")
    }

    static func text(_ path: String) throws -> String {
        let file = try #require(fopen(path, "re"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[0..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "we"), "\(path)")
        fputs(text, file)
        fclose(file)
    }

    private static let scratch: String = {
        var template = Array("/tmp/podium-experiments-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
        atexit { HostRuns.clean() }
        return made.map { String(cString: $0) } ?? "/tmp"
    }()
    private static let made = Atomic<Int>(0)

    /// A new folder, which goes when the process ends.
    static func folder() throws -> String {
        let path = "\(scratch)/\(made.wrappingAdd(1, ordering: .relaxed).newValue)"
        try #require(mkdir(path, 0o777) == 0)
        return path
    }

    private static func clean() {
        guard scratch != "/tmp" else { return }
        _ = system("rm -rf '\(scratch)'")
    }
}
