import Synchronization

/// A plugin library, open in this process or in a child, from which instances are made.
public protocol OpenPlugin: AnyObject, Sendable {
    /// The file as it was found.
    var path: String { get }
    /// What the library says of its workloads.
    var workloads: [WorkloadDescription] { get }
    /// The minor version of the contract that it was built against.
    var abiMinor: UInt32 { get }
    /// Creates an instance.
    func makeInstance(_ request: InstanceRequest) throws -> any PluginInstance
}

extension OpenPlugin {
    /// The workload to run: the only one, or the one named.
    public func workload(named id: String?) throws -> (description: WorkloadDescription, position: Int) {
        guard let id else {
            guard workloads.count == 1 else {
                throw PluginFault(
                    .refused,
                    library: path,
                    call: "workload",
                    reason: "the library has \(workloads.count) workloads; choose one with workload=ID: "
                        + workloads.map(\.id).joined(separator: ", ")
                )
            }
            return (workloads[0], 0)
        }
        guard let position = workloads.firstIndex(where: { $0.id == id }) else {
            throw PluginFault(
                .refused,
                library: path,
                call: "workload",
                reason: "there is no workload \"\(id)\"; the library has " + workloads.map(\.id).joined(separator: ", ")
            )
        }
        return (workloads[position], position)
    }
}

extension OpenPlugin {
    /// Creates one instance, or several behind the interface of one.
    ///
    /// - Parameters:
    ///   - request: What an instance is created from; the devices and threads of several are shared out.
    ///   - count: How many.
    ///   - sharing: How several share the samples.
    /// - Returns: The instance, or a pool of them with a head that has the data set.
    /// - Throws: `PluginFault`.
    func makeInstances(
        _ request: InstanceRequest,
        count: Int,
        sharing: SharingPolicy
    ) throws -> any PluginInstance {
        count == 1 ? try makeInstance(request) : try InstancePool(self, request, count: count, policy: sharing)
    }
}

/// Opens a plugin library.
///
/// - Parameters:
///   - name: A path, or a bare name that is looked for beside the executable first.
///   - isolated: Whether the library runs in a child process.
///   - limits: How long calls may take.
///   - log: Where the plugin's log lines go; levels as in mlp_plugin.h.
/// - Returns: The library, whose tables are checked.
/// - Throws: `PluginFault`.
public func openPlugin(
    named name: String,
    isolated: Bool,
    limits: CallLimits = CallLimits(),
    log: @escaping @Sendable (_ level: Int32, _ message: String) -> Void
) throws -> any OpenPlugin {
    isolated
        ? try IsolatedLibrary(named: name, limits: limits, log: log)
        : InProcessLibrary(library: try PluginLibrary(named: name), log: log)
}

/// A library in this process.
final class InProcessLibrary: OpenPlugin {
    private let library: PluginLibrary
    private let log: HostContext.LogHandler
    var path: String { library.path }
    var workloads: [WorkloadDescription] { library.workloads }
    var abiMinor: UInt32 { library.abiMinor }

    init(library: PluginLibrary, log: @escaping HostContext.LogHandler) {
        self.library = library
        self.log = log
    }

    func makeInstance(_ request: InstanceRequest) throws -> any PluginInstance {
        try LoadedInstance(library: library, request: request, log: request.naming(log))
    }
}

/// A library in child processes, one for each instance.
private final class IsolatedLibrary: OpenPlugin {
    /// The process that was asked for the workloads; the first instance takes it.
    private let first: Mutex<IsolatedPlugin?>
    private let name: String
    private let log: HostContext.LogHandler
    private let limits: CallLimits
    let path: String
    let workloads: [WorkloadDescription]
    let abiMinor: UInt32

    init(named name: String, limits: CallLimits, log: @escaping HostContext.LogHandler) throws {
        self.name = name
        self.log = log
        self.limits = limits
        let plugin = try IsolatedPlugin(name: name, limits: limits, log: log)
        var answer = try plugin.open()
        first = Mutex(plugin)
        path = try answer.string()
        abiMinor = try answer.uint32()
        let count = try answer.uint32()
        workloads = try (0..<min(count, 1024)).map { _ in try WorkloadDescription(from: &answer) }
    }

    func makeInstance(_ request: InstanceRequest) throws -> any PluginInstance {
        let plugin = try process(request)
        var content = WireWriter()
        request.write(to: &content)
        // The child gives up on the plugin after its own limit; this one is for a child that cannot.
        var answer = try plugin.request(.create, call: "create", within: limits.control + 5, content.bytes)
        let count = try answer.uint32()
        let extensions = try (0..<min(count, 64)).map { _ in try answer.string() }
        return IsolatedInstance(
            plugin: plugin,
            library: path,
            workload: workloads[request.workload],
            abilities: Abilities(
                extensions: extensions,
                claims: try answer.uint32(),
                vocabulary: try answer.uint32()
            ),
            limits: limits,
            keepsPayloads: request.role == "head"
        )
    }

    private func process(_ request: InstanceRequest) throws -> IsolatedPlugin {
        let unused = first.withLock { plugin in
            defer { plugin = nil }
            return plugin
        }
        if let unused { return unused }
        let plugin = try IsolatedPlugin(name: name, limits: limits, log: request.naming(log))
        _ = try plugin.open()
        return plugin
    }
}
