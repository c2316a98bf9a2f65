import Glibc
import Synchronization
import Testing

@testable import Core

/// The built host, run as a user runs it.
struct HostProcess {
    /// What a run left behind.
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// The checkout.
    static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// Where the build put the products: beside the test bundle.
    static let products: String = {
        // In a test process, argv[0] and /proc/self/exe are the bundle or the runner; the products lie beside it.
        for candidate in [executableFolder(), root + "/.build/release"]
        where access(candidate + "/host", X_OK) == 0 { return candidate }
        return root + "/.build/release"
    }()

    /// Runs the host in the checkout's root.
    ///
    /// `environment` is added to this process's; after `limit` seconds it is killed, which fails the test.
    static func run(
        _ arguments: [String],
        folder: String = root,
        environment: [String: String] = [:],
        limit: Double = 120
    ) throws -> Outcome {
        try run(executable: products + "/host", arguments, folder: folder, environment: environment, limit: limit)
    }

    /// Runs any program in the checkout's root.
    static func run(
        executable: String,
        _ arguments: [String],
        folder: String = root,
        environment: [String: String] = [:],
        limit: Double = 120
    ) throws -> Outcome {
        let files = try (0..<2).map { _ in try TemporaryFolder.file() }
        // A shell changes the folder and the environment; posix_spawn cannot do the first everywhere.
        let settings = environment.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
        let script = "cd \"$1\" && shift && exec env \(settings) \"$@\" >'\(files[0])' 2>'\(files[1])' </dev/null"
        let child = try ChildProcess(
            executable: "/bin/sh",
            arguments: ["sh", "-c", script, "sh", folder, executable] + arguments,
            descriptors: []
        )
        let end = child.wait(within: limit)
        if end == nil { child.kill() }
        defer { for file in files { unlink(file) } }
        let texts = files.map { SettingsReader.read($0) ?? "" }
        switch try #require(end, "it still runs after \(limit) s: \(arguments); \(texts[1].suffix(2000))") {
        case .exited(let status): return Outcome(status: status, output: texts[0], errors: texts[1])
        case .signalled(let signal): return Outcome(status: 128 + signal, output: texts[0], errors: texts[1])
        }
    }
}

/// Folders that tests may fill; they go when the process ends.
enum TemporaryFolder {
    private static let root: String = {
        var template = Array("/tmp/podium-test-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } }
        atexit { TemporaryFolder.remove() }
        return made.map { String(cString: $0) } ?? "/tmp"
    }()
    private static let made = Atomic<Int>(0)

    static func file() throws -> String { try folder() + "/file" }

    static func folder() throws -> String {
        let folder = "\(root)/\(made.wrappingAdd(1, ordering: .relaxed).newValue)"
        try #require(mkdir(folder, 0o777) == 0, "\(folder): \(String(cString: strerror(errno)))")
        return folder
    }

    private static func remove() {
        guard root != "/tmp" else { return }
        let child = try? ChildProcess(executable: "/bin/rm", arguments: ["rm", "-rf", root], descriptors: [])
        _ = child?.wait(within: 60)
    }
}
