import CPluginAPI
public import JSON

/// `host bench kernels`: the launches that a plugin names as benchmarks, timed on a device.
public struct KernelBench: Sendable {
    /// One launch.
    public struct Row: Sendable {
        /// The kernel's name.
        public var kernel: String
        /// What it is a case of.
        public var title: String
        /// Bytes that it must read and write.
        public var bytes: UInt64
        /// Operations that it must do.
        public var operations: UInt64
        /// Its times; nil if it could not be launched.
        public var timing: DoBench.Timing?
        /// Why there is no time.
        public var problem: String?

        /// GB/s, 10^9 bytes each.
        public var gigabytes: Double? { timing.map { Double(bytes) / ($0.median * 1e6) } }
        /// TFLOP/s.
        public var teraflops: Double? { timing.map { Double(operations) / ($0.median * 1e9) } }
    }

    private let configuration: RunConfiguration
    private let only: String?
    private let timing: DoBench
    private let timesExamples: Bool
    private let console: RunConsole

    /// What to time.
    ///
    /// - Parameters:
    ///   - configuration: The plugin, its model if it needs one, and the device.
    ///   - only: The name of one kernel; nil: all.
    ///   - examples: Times the worked examples, which are small, and not the benchmarks.
    ///   - timing: How long is warmed up and measured.
    ///   - console: Where the plugin's lines go.
    public init(
        _ configuration: RunConfiguration,
        only: String? = nil,
        examples: Bool = false,
        timing: DoBench = DoBench(),
        console: RunConsole
    ) {
        self.configuration = configuration
        self.only = only
        timesExamples = examples
        self.timing = timing
        self.console = console
    }

    /// Times everything.
    ///
    /// - Parameter progress: Called with each row when it is done.
    /// - Returns: What was found.
    /// - Throws: `PluginFault`, `ConfigError`, `DeviceError`.
    public func run(progress: (Row) -> Void = { _ in }) throws -> KernelBenchReport {
        let library = try PluginLibrary(named: configuration.plugin)
        let position = try configuration.workload.map { id in
            guard let found = library.workloads.firstIndex(where: { $0.id == id }) else {
                throw ConfigError("the library has no workload \(id)", key: "workload")
            }
            return found
        }
        let workload = library.workloads[position ?? 0]
        let options = try WorkloadOptions(declaration: workload.options, workload: workload.id)
        let instance = try LoadedInstance(
            library: library,
            request: InstanceRequest(
                workload: position ?? 0,
                role: "worker",
                model: configuration.modelPath,
                options: .object(try options.resolve(configuration.options)),
                device: configuration.device,
                threads: configuration.threads > 0 ? configuration.threads : nil
            ),
            log: console.log
        )
        guard let table = instance.tables.kernels, let group = instance.context.deviceGroup,
            let kernels = group.kernels, let declared = group.kernelTable
        else {
            throw ConfigError("\(library.path): the workload does not offer \(MLP_KERNELS)", key: "plugin")
        }
        guard only == nil || declared.kernels.contains(where: { $0.name == only }) else {
            let names = declared.kernels.map(\.name).joined(separator: ", ")
            throw ConfigError("--only \(only ?? ""): the plugin's kernels are \(names)")
        }
        let copy = try BandwidthBench.copyBandwidth(group, size: 512 << 20, timing: timing)
        var rows: [Row] = []
        for (index, kernel) in declared.kernels.enumerated() where only == nil || kernel.name == only {
            for number in 0..<1000 {
                guard let example = try example(instance, table, group, UInt32(index), UInt32(number)) else { break }
                let row = try measure(example, kernel, UInt32(index), number, group, kernels)
                progress(row)
                rows.append(row)
            }
        }
        let properties = try group.backend.properties(of: group.devices[0])
        try instance.destroy()
        return KernelBenchReport(
            device: "\(properties.kind):\(group.devices[0])",
            properties: properties,
            threads: group.pool.threadCount,
            plugin: library.path,
            copyBandwidth: copy,
            rows: rows
        )
    }

    private func example(
        _ instance: LoadedInstance,
        _ table: UnsafePointer<mlp_kernels>,
        _ group: DeviceGroup,
        _ kernel: UInt32,
        _ number: UInt32
    ) throws -> mlp_kernel_example? {
        let known = MemoryLayout<mlp_kernels>.offset(of: \.benchmark).map { $0 + 8 } ?? 0
        let benchmark = Int(table.pointee.struct_size) >= known ? table.pointee.benchmark : nil
        guard let ask = timesExamples ? table.pointee.example : benchmark else { return nil }
        var example = mlp_kernel_example()
        example.struct_size = UInt32(MemoryLayout<mlp_kernel_example>.size)
        let kind = group.backend.kind.rawValue
        let status = ask(instance.plugin, kernel, number, kind, group.architecture, &example)
        if status == mlp_status(MLP_NOT_FOUND) { return nil }
        guard status == mlp_status(MLP_OK) else {
            throw PluginFault(
                .failed,
                library: instance.library,
                call: timesExamples ? "example" : "benchmark",
                reason: "\(statusName(status)) \(instance.context.takeFailures() ?? "")"
            )
        }
        return example
    }

    private func measure(
        _ example: mlp_kernel_example,
        _ kernel: KernelTable.Kernel,
        _ index: UInt32,
        _ number: Int,
        _ group: DeviceGroup,
        _ kernels: any DeviceKernels
    ) throws -> Row {
        var row = Row(
            kernel: kernel.name,
            title: example.title.map { String(cString: $0) } ?? "example \(number)",
            bytes: example.bytes,
            operations: example.operations
        )
        let stream = try group.backend.makeStream(device: group.devices[0])
        let placed = try PlacedArguments(
            example,
            kernel: index,
            signature: kernel.signature,
            group: group,
            stream: stream
        )
        do throws(DeviceError) {
            try placed.launch(kernels)
            try stream.synchronize()
        } catch {
            guard error.status == mlp_status(MLP_UNSUPPORTED) else { throw error }
            row.problem = error.message
            return row
        }
        row.timing = try timing.measure(DeviceBenchClock(group, stream)) { try placed.launch(kernels) }
        return row
    }
}

/// What `host bench kernels` shows.
public struct KernelBenchReport: Sendable {
    /// `cpu:0`, `hip:0`.
    public var device: String
    /// What it is.
    public var properties: DeviceProperties
    /// Threads, on a processor.
    public var threads: Int
    /// Whose kernels they are.
    public var plugin: String
    /// GB/s of a copy in the same run.
    public var copyBandwidth: Double
    /// One for each launch.
    public var rows: [KernelBench.Row]

    /// For people.
    public var text: String {
        var table = BenchTable(["kernel", "case", "us", "least", "GB/s", "of copy", "TFLOP/s"])
        for row in rows {
            table.append([
                row.kernel, row.title, BenchTable.figure(row.timing.map { 1000 * $0.median }),
                BenchTable.figure(row.timing.map { 1000 * $0.least }), Self.shown(row.bytes, row.gigabytes),
                row.bytes > 0 ? BenchTable.percent(share(row)) : "-", Self.shown(row.operations, row.teraflops),
            ])
        }
        let on = properties.kind == .cpu ? ", \(threads) threads" : ""
        var text =
            "\(device)  \(properties.name), \(properties.architecture)\(on); kernels of \(plugin)\n\n\(table.text)\n"
        text +=
            "copy: \(BenchTable.figure(copyBandwidth)) GB/s, a copied byte counts twice, measured in this run. Bytes and "
        text +=
            "operations are the least that a launch must move and do, as the plugin says; caches are cleared before each "
        text += "repetition, the median counts.\n"
        if rows.isEmpty { text += "the plugin names no such launch\n" }
        for row in rows {
            if let problem = row.problem { text += "\(row.kernel), \(row.title): not timed: \(problem)\n" }
        }
        return text
    }

    /// For programs.
    public var json: JSON {
        let optional = { (value: Double?) -> JSON in value.map(JSON.number) ?? .null }
        return [
            "device": .string(device), "name": .string(properties.name),
            "architecture": .string(properties.architecture), "threads": JSON(threads), "plugin": .string(plugin),
            "copy_gb_per_s": .number(copyBandwidth),
            "rows": .array(
                rows.map { row in
                    [
                        "kernel": .string(row.kernel), "case": .string(row.title), "bytes": JSON(row.bytes),
                        "operations": JSON(row.operations),
                        "median_us": optional(row.timing.map { 1000 * $0.median }),
                        "least_us": optional(row.timing.map { 1000 * $0.least }),
                        "gb_per_s": optional(row.gigabytes), "share_of_copy": optional(share(row)),
                        "tflops": optional(row.teraflops), "problem": row.problem.map(JSON.string) ?? .null,
                    ]
                }
            ),
        ]
    }

    private func share(_ row: KernelBench.Row) -> Double? { row.gigabytes.map { $0 / copyBandwidth } }

    private static func shown(_ amount: UInt64, _ rate: Double?) -> String {
        amount > 0 ? BenchTable.figure(rate) : "-"
    }
}
