import CPluginAPI
import Files
public import JSON

/// What `host kernels` shows and writes: the kernels that a plugin declares, and where there is code for them.
public struct KernelDescription {
    private let plugin: String
    private let table: KernelTable

    /// Creates a worker on the processor and takes what it declares.
    ///
    /// - Parameters:
    ///   - configuration: The plugin, and what its `create` needs.
    ///   - console: Where the plugin's log lines go.
    /// - Throws: `PluginFault`, `ConfigError`; `DeviceError` for a declaration that is not whole.
    public init(_ configuration: RunConfiguration, console: RunConsole) throws {
        let library = try PluginLibrary(named: configuration.plugin)
        let opened = try openPlugin(named: configuration.plugin, isolated: false, log: console.log)
        let (workload, position) = try opened.workload(named: configuration.workload)
        let options = try WorkloadOptions(declaration: workload.options, workload: workload.id)
        let worker = try LoadedInstance(
            library: library,
            request: InstanceRequest(
                workload: position,
                role: "worker",
                model: configuration.modelPath,
                options: .object(try options.resolve(configuration.options)),
                threads: 1,
                limits: configuration.callLimits
            ),
            log: console.log
        )
        guard let declared = worker.tables.kernels else {
            throw ConfigError("\(workload.id) of \(library.path) declares no kernels: it does not offer \(MLP_KERNELS)")
        }
        plugin = library.path
        // The sources belong to the instance, which stays.
        table = try KernelTable(declared, plugin: library.path)
    }

    /// A line for each kernel: its family, its signature, and the places that have code for it.
    public var text: String {
        var lines = ["\(plugin): \(table.kernels.count) kernels in \(table.families.count) families"]
        for kernel in table.kernels {
            let places = KernelDescription.places(kernel, table).joined(separator: ", ")
            let family = table.families[kernel.family].name
            lines.append("  \(kernel.name.padded(to: 20)) \(family.padded(to: 12)) (\(kernel.signature)) \(places)")
        }
        lines.append("objects are looked for in \(CodeObjectFolder(besides: plugin).path)")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The same for programs: plugin, folder of the objects, families with the hash of their sources, kernels.
    public var json: JSON {
        let families = table.families.map { family in
            JSON.object(
                JSONObject([
                    ("name", .string(family.name)),
                    ("source", family.source.isEmpty ? .null : .string("\(family.name).hip")),
                    ("sha256", .string(CodeObjectFolder.hash(of: family.source))),
                    ("embedded", .array(family.codeObjects.map { .string($0.target) })),
                    ("beside", .array(CodeObjectFolder(besides: plugin).targets(of: family).map(JSON.string))),
                ])
            )
        }
        let kernels = table.kernels.map { kernel in
            JSON.object(
                JSONObject([
                    ("name", .string(kernel.name)), ("signature", .string(kernel.signature)),
                    ("family", .string(table.families[kernel.family].name)), ("twin", .bool(kernel.twin != nil)),
                ])
            )
        }
        return .object(
            JSONObject([
                ("plugin", .string(plugin)), ("objects", .string(CodeObjectFolder(besides: plugin).path)),
                ("families", .array(families)), ("kernels", .array(kernels)),
            ])
        )
    }

    /// Writes each family's source as `FAMILY.hip`, exactly as the plugin declares it, and `kernels.json`.
    ///
    /// - Parameter folder: Where; made if it is not there.
    /// - Throws: `FileError`.
    public func extract(to folder: String) throws {
        try Folder.make(folder)
        for family in table.families where !family.source.isEmpty {
            try WholeFile.write(family.source, to: "\(folder)/\(family.name).hip")
        }
        try WholeFile.write(json.text(pretty: true) + "\n", to: "\(folder)/kernels.json")
    }

    /// The places that have code for a kernel: `cpu`, `gfx942 embedded`, `gfx950 beside`, `HIP source`.
    static func places(_ kernel: KernelTable.Kernel, _ table: KernelTable) -> [String] {
        var places = kernel.twin == nil ? [] : ["cpu"]
        guard kernel.family < table.families.count else { return places }
        let family = table.families[kernel.family]
        places += family.codeObjects.map { "\($0.target) embedded" }
        places += CodeObjectFolder(besides: table.plugin).targets(of: family).map { "\($0) beside" }
        if !family.source.isEmpty { places.append("HIP source") }
        return places
    }
}
