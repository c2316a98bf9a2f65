import CPluginAPI
import JSON
import Numerics

/// What `host describe` shows of a plugin: its workloads and options; with a model also tensors and kernels.
///
/// It runs in this process, touches no device and reads no tensor data.
public struct PluginDescription {
    private let library: PluginLibrary
    private var workers: [LoadedInstance] = []
    private var heads: [LoadedInstance] = []

    /// Loads a library.
    ///
    /// - Parameters:
    ///   - configuration: The plugin; with a model or data set, instances are created as well.
    ///   - console: Where the plugin's log lines go.
    /// - Throws: `PluginFault`, `ConfigError`.
    public init(_ configuration: RunConfiguration, console: RunConsole) throws {
        let library = try PluginLibrary(named: configuration.plugin)
        self.library = library
        guard configuration.modelPath != nil else { return }
        for (position, workload) in library.workloads.enumerated() {
            if let wanted = configuration.workload, wanted != workload.id { continue }
            let options = try WorkloadOptions(declaration: workload.options, workload: workload.id)
            let resolved = try options.resolve(configuration.options)
            func instance(_ role: String) throws -> LoadedInstance {
                try LoadedInstance(
                    library: library,
                    request: InstanceRequest(
                        workload: position,
                        role: role,
                        model: configuration.modelPath,
                        dataset: role == "head" ? configuration.datasetPath : nil,
                        options: .object(resolved),
                        threads: 1
                    ),
                    log: console.log
                )
            }
            workers.append(try instance("worker"))
            heads.append(try instance("head"))
        }
    }

    // MARK: JSON

    /// Everything, as JSON.
    public func json() throws -> String {
        var members: [(String, JSON)] = [
            ("library", .string(library.path)), ("abi_minor", .integer(Int64(library.abiMinor))),
        ]
        members.append(("workloads", .array(try library.workloads.map(workloadJSON))))
        return JSON.object(JSONObject(members)).text(pretty: true)
    }

    private func workloadJSON(_ workload: WorkloadDescription) throws -> JSON {
        var members: [(String, JSON)] = [
            ("id", .string(workload.id)), ("title", .string(workload.title)), ("version", .string(workload.version)),
            ("benchmark", workload.benchmark.map(JSON.string) ?? .null),
            ("options", try JSON(parsing: workload.options, source: "options")),
        ]
        if let worker = workers.first(where: { $0.workload.id == workload.id }),
            let head = heads.first(where: { $0.workload.id == workload.id })
        {
            members.append(("head_extensions", .array(head.abilities.extensions.map(JSON.string))))
            members.append(("worker_extensions", .array(worker.abilities.extensions.map(JSON.string))))
            members.append(("claims", .array(PluginDescription.claims(worker.abilities).map(JSON.string))))
            members.append(("vocabulary", .integer(Int64(head.abilities.vocabulary))))
            if let declared = try weights(worker) { members.append(("tensors", tensorsJSON(declared))) }
            if let declared = try weights(worker) { members.append(("placements", placementsJSON(declared))) }
            if let table = try kernels(worker) { members.append(("kernels", kernelsJSON(table))) }
        }
        return .object(JSONObject(members))
    }

    private func tensorsJSON(_ declared: WeightDeclarations) -> JSON {
        .array(
            declared.tensors.map { tensor in
                .object(
                    JSONObject([
                        ("name", .string(tensor.path)), ("dtype", .string(tensor.type.rawValue)),
                        ("shape", .array(tensor.shape.map { .integer(Int64($0)) })),
                        ("bytes", .integer(Int64(tensor.size))), ("optional", .bool(tensor.isOptional)),
                    ])
                )
            }
        )
    }

    private func placementsJSON(_ declared: WeightDeclarations) -> JSON {
        .array(
            declared.placements.map { placement in
                .object(
                    JSONObject([
                        ("name", .string(placement.name)), ("bytes", .integer(Int64(placement.size))),
                        ("sources", .array(placement.sources.map { .string(declared.tensors[$0].path) })),
                    ])
                )
            }
        )
    }

    private func kernelsJSON(_ table: KernelTable) -> JSON {
        .array(
            table.kernels.map { kernel in
                .object(
                    JSONObject([
                        ("name", .string(kernel.name)), ("signature", .string(kernel.signature)),
                        ("targets", .array(KernelDescription.places(kernel, table).map(JSON.string))),
                    ])
                )
            }
        )
    }

    // MARK: Text

    /// Everything, for a terminal.
    public func text() throws -> String {
        var lines = ["\(library.path): \(library.workloads.count) workload(s), PluginAPI minor \(library.abiMinor)"]
        for workload in library.workloads {
            lines += ["", "\(workload.id) \(workload.version): \(workload.title)"]
            if let benchmark = workload.benchmark { lines.append("  MLPerf benchmark: \(benchmark)") }
            let options = try WorkloadOptions(declaration: workload.options, workload: workload.id)
            if !options.options.isEmpty { lines.append("  options:") }
            for option in options.options {
                lines += ConfigReference.listing(of: option).split(separator: "\n").map { "    \($0)" }
            }
            guard let worker = workers.first(where: { $0.workload.id == workload.id }),
                let head = heads.first(where: { $0.workload.id == workload.id })
            else { continue }
            lines.append("  head offers: " + head.abilities.extensions.joined(separator: ", "))
            lines.append("  worker offers: " + worker.abilities.extensions.joined(separator: ", "))
            lines.append("  claims: " + PluginDescription.claims(worker.abilities).joined(separator: ", "))
            if head.abilities.vocabulary > 0 { lines.append("  vocabulary: \(head.abilities.vocabulary) tokens") }
            if let declared = try weights(worker) { lines += tensorLines(declared) }
            if let table = try kernels(worker) { lines += kernelLines(table) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func tensorLines(_ declared: WeightDeclarations) -> [String] {
        let bytes = declared.tensors.reduce(0) { $0 &+ $1.size }
        var lines = ["  tensors: \(declared.tensors.count), \(bytes) bytes"]
        for tensor in declared.tensors {
            let shape = tensor.shape.map(String.init).joined(separator: "x")
            let optional = tensor.isOptional ? " optional" : ""
            lines.append("    \(tensor.type.rawValue.padded(to: 5)) \(shape.padded(to: 12)) \(tensor.path)\(optional)")
        }
        for placement in declared.placements {
            lines.append("    placed, \(placement.size) bytes: \(placement.name)")
        }
        return lines
    }

    private func kernelLines(_ table: KernelTable) -> [String] {
        ["  kernels: \(table.kernels.count)"]
            + table.kernels.map { kernel in
                let targets = KernelDescription.places(kernel, table).joined(separator: ", ")
                return "    \(kernel.name.padded(to: 20)) (\(kernel.signature)) \(targets)"
            }
    }

    // MARK: Parts

    private func weights(_ instance: LoadedInstance) throws -> WeightDeclarations? {
        try instance.tables.weights.map { try WeightDeclarations($0, plugin: library.path) }
    }

    private func kernels(_ instance: LoadedInstance) throws -> KernelTable? {
        try instance.tables.kernels.map { try KernelTable($0, plugin: library.path) }
    }

    private static func claims(_ abilities: Abilities) -> [String] {
        let names: [(Int, String)] = [
            (MLP_TOKENS, "tokens"), (MLP_DETERMINISTIC, "deterministic"), (MLP_BATCH_INVARIANT, "batch-invariant"),
        ].map { (Int($0.0), $0.1) }
        return names.filter { abilities.claims & UInt32($0.0) != 0 }.map(\.1)
    }
}
