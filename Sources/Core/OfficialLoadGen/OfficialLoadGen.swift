import COfficialLoadGen
import Glibc
import Synchronization

/// MLCommons' own LoadGen.
///
/// It is built from its source distribution by `make official-loadgen` and loaded at run time; no line of it is part of the host.
/// It keeps its state in globals, so a process runs one test with it at a time.
public struct OfficialLoadGen: @unchecked Sendable {
    // Unchecked because the table is constant memory of a library that is never unloaded.

    /// The release that the build fetches.
    public static let version = "6.0.17"
    /// The round whose seeds and rules are compiled into that release.
    public static let compiledRound = MLPerfRound.v61
    /// The library's file name.
    public static let libraryName = "libofficial_loadgen.so"
    /// Names the library's file where it lies somewhere else than the build puts it.
    public static let environmentVariable = "PODIUM_OFFICIAL_LOADGEN"

    /// The file as it was found.
    public let path: String
    /// What the library says of its version: `6.0.17 @ d6147c7eb7`.
    public let versionText: String
    let api: UnsafePointer<olg_api>

    /// Loads the library.
    ///
    /// - Parameter path: The file; nil looks where ``environmentVariable`` says, beside the executable, and where the build puts it.
    /// - Throws: `LoadGenError.engine` if there is none, or not one of this interface and version.
    public init(path: String? = nil) throws(LoadGenError) {
        let found: String
        if let path { found = path } else { found = try Self.locate() }
        guard access(found, R_OK) == 0 else {
            throw .engine(reason: "\(found): \(String(cString: strerror(errno))); \(Self.advice)")
        }
        guard let handle = dlopen(found, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            let reason = dlerror().map { String(cString: $0) } ?? "dlopen failed without a reason"
            throw .engine(reason: "\(reason); \(Self.advice)")
        }
        guard let symbol = dlsym(handle, "official_loadgen_v1") else {
            throw .engine(reason: "\(found) does not export official_loadgen_v1; \(Self.advice)")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<olg_api>?
        guard let api = unsafeBitCast(symbol, to: Entry.self)(), api.pointee.abi_version == OLG_ABI_VERSION,
            Int(api.pointee.struct_size) == MemoryLayout<olg_api>.size
        else {
            throw .engine(reason: "\(found) was built for another version of the host; \(Self.advice)")
        }
        let version = String(cString: api.pointee.version)
        guard version == Self.version else {
            throw .engine(reason: "\(found) is LoadGen \(version), expected \(Self.version); \(Self.advice)")
        }
        self.path = found
        self.api = api
        versionText = "\(version) @ \(String(cString: api.pointee.revision))"
    }

    private static let advice = "build it with `make official-loadgen`, or set loadgen=podium"

    private static func locate() throws(LoadGenError) -> String {
        if let named = getenv(environmentVariable) { return String(cString: named) }
        let candidates = candidates(beside: executableFolder())
        guard let path = candidates.first(where: { access($0, R_OK) == 0 }) else {
            throw .engine(
                reason: "MLCommons' LoadGen is not there (looked for \(candidates.joined(separator: ", "))); \(advice)"
            )
        }
        return path
    }

    /// Beside the executable, and in `.build/official` of the checkout that it was built in.
    static func candidates(beside folder: String) -> [String] {
        var list = ["\(folder)/\(libraryName)"]
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
        if let build = parts.lastIndex(of: ".build") {
            list.append(parts[...build].joined(separator: "/") + "/official/\(libraryName)")
        }
        return list
    }

    // MARK: - Use of the one LoadGen of the process

    private enum Use {
        case free
        case running
        case spoilt
    }
    private static let use = Mutex(Use.free)
    private static let userFilesRead = Atomic<Int>(0)

    /// Takes the library for one test.
    ///
    /// - Throws: `LoadGenError.wrongState` while another test runs, and after one that was aborted.
    static func acquire() throws(LoadGenError) {
        let before = use.withLock { use in
            defer { if case .free = use { use = .running } }
            return use
        }
        switch before {
        case .free: return
        case .running: throw .wrongState("the official LoadGen runs one test at a time in a process")
        case .spoilt:
            throw .wrongState("the official LoadGen cannot be used again in a process in which a test was aborted")
        }
    }

    static func release(spoilt: Bool) {
        use.withLock { $0 = spoilt ? .spoilt : .free }
    }

    /// The settings that the library gives to a benchmark: its compiled rules, then the user's file, both read by its own code.
    ///
    /// - Parameters:
    ///   - model: The benchmark's name in the conf files.
    ///   - scenario: The scenario whose keys are looked up.
    ///   - userConf: The user.conf; nil for none.
    /// - Returns: The settings.
    /// - Throws: `LoadGenError.configurationFile` where it cannot be read or has a bad line.
    func settings(model: String, scenario: Scenario, userConf: String?) throws(LoadGenError) -> TestSettings {
        var plain = defaults()
        plain.scenario = scenario.official
        _ = api.pointee.read_conf(&plain, "", model, scenario.rawValue, Int32(OLG_CONF_MLPERF))
        if let userConf {
            // FromConfig takes every further user.conf of a process for a second one of the same test, and logs an error. Read as
            // an audit.config, the same keys apply and nothing is logged.
            let isFirst = Self.userFilesRead.wrappingAdd(1, ordering: .relaxed).oldValue == 0
            let type = isFirst ? OLG_CONF_USER : OLG_CONF_AUDIT
            let status = api.pointee.read_conf(&plain, userConf, model, scenario.rawValue, Int32(type))
            guard status == 0 else { throw Self.explain(userConf, status) }
        }
        return TestSettings(plain)
    }

    /// The library only logs what is wrong, into the log of a test that will not be; our own reader says it in words.
    private static func explain(_ path: String, _ status: Int32) -> LoadGenError {
        var reader = SettingsReader()
        var settings = TestSettings()
        _ = reader.apply(path: path, origin: .user, model: "*", scenario: .offline, to: &settings)
        let words = reader.messages.map(\.text).joined(separator: "; ")
        let reason = "the official LoadGen refuses it: \(String(cString: strerror(-status)))"
        return .configurationFile(path: path, reason: words.isEmpty ? reason : "\(reason) (\(words))")
    }

    func defaults() -> olg_settings {
        var plain = olg_settings()
        plain.struct_size = UInt32(MemoryLayout<olg_settings>.size)
        _ = api.pointee.default_settings(&plain)
        return plain
    }
}
