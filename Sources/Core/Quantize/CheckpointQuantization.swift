import CPluginAPI
import Glibc
import JSON
import Numerics
import Quantization

/// `host quantize`: a checkpoint of plain floats becomes one in MXFP4 or FP8 in Quark's layout.
///
/// Stage by stage: the plugin computes the calibration samples through one decoder layer, its weights are quantised and
/// written, and only then the next layer is looked at. What is on the disk after a stage is enough to go on from there.
public struct CheckpointQuantization {
    private let request: QuantizeRequest
    private let console: RunConsole

    /// - Parameters:
    ///   - request: What is asked for.
    ///   - console: Where notes and the plugin's lines go.
    public init(_ request: QuantizeRequest, console: RunConsole) {
        self.request = request
        self.console = console
    }

    /// What a run has made.
    public struct Summary: Sendable {
        /// The folder.
        public let output: String
        /// The scheme in Quark's words.
        public let scheme: String
        /// How many layers are quantised.
        public let layers: Int
        /// The bytes of the source's tensors and of the result's.
        public let bytes: (before: Int, after: Int)
        /// Whether an earlier run had finished it, so that nothing was left to do.
        public let wasFinished: Bool
    }

    /// Does it.
    ///
    /// - Returns: What was made.
    /// - Throws: `QuantizeError`, `ConfigError` and `PluginFault`.
    public func run() throws -> Summary {
        guard let model = request.configuration.modelPath else {
            throw ConfigError("there is no model to quantise; give --model FOLDER", key: "model")
        }
        guard request.damping >= 0, request.damping.isFinite else {
            throw ConfigError("\(request.damping): expected a share, 0.01 as a rule", key: "--damping")
        }
        if let samples = request.samples, samples < 1 {
            throw ConfigError("\(samples): expected how many samples to use, 1 or more", key: "--samples")
        }
        let progress = QuantizeProgress()
        defer { progress.stop() }
        let watch = InterruptWatch { progress.requestEnd($0) }
        defer { watch?.stop() }

        let worker = try instance(role: "worker", model: model)
        guard let table = worker.tables.quantize else {
            throw ConfigError("\(worker.workload.id) offers no \(MLP_QUANTIZE), so its checkpoints cannot be quantised")
        }
        let declared = try StageDeclarations(table, library: worker.library)
        let plan = try QuantizationPlan(request, model: model, declared: declared)
        guard !plan.stages.isEmpty else {
            throw ConfigError("\(worker.workload.id) names no layers of \(model) that could be quantised")
        }
        let samples = try plan.needsCalibration(request.method) ? calibrationSamples(model) : nil
        if samples == nil, request.configuration.datasetPath != nil || request.samples != nil {
            console.note("nothing is to be calibrated: --calibration and --samples are not used")
        }
        let writer = try QuantizeError.naming(.usage) {
            try QuarkCheckpointWriter(
                folder: request.output,
                source: plan.source,
                config: plan.config,
                linears: plan.linears,
                recipe: plan.recipe,
                stages: plan.stages.map(\.tensors),
                settings: settings(plan, worker, samples)
            )
        }
        if writer.isFinished {
            try worker.destroy()
            try samples?.close()
            return summary(plan, writer, wasFinished: true)
        }
        try copyCompanions(from: model)
        if let samples {
            try calibrate(plan, worker, samples, writer, progress, first: declared.firstTensors)
        } else {
            try round(plan, worker, writer, progress)
        }
        try worker.destroy()
        try samples?.close()
        return try finish(plan, writer)
    }

    private func finish(_ plan: QuantizationPlan, _ writer: QuarkCheckpointWriter) throws -> Summary {
        CalibrationStates.remove(folder: request.output)
        unlink(CalibrationRecord.path(in: request.output))
        try QuantizeError.naming(.failed) { try writer.finish() }
        return summary(plan, writer, wasFinished: false)
    }

    private func summary(_ plan: QuantizationPlan, _ writer: QuarkCheckpointWriter, wasFinished: Bool) -> Summary {
        Summary(
            output: request.output,
            scheme: plan.recipe.linear.description + (plan.recipe.kvCache == nil ? "" : ", KV cache fp8"),
            layers: writer.steps.reduce(0) { $0 + $1.layers.count },
            bytes: (
                plan.source.tensors.reduce(0) { $0 + $1.bytes.count }, writer.steps.reduce(0) { $0 + $1.byteCount }
            ),
            wasFinished: wasFinished
        )
    }

    // MARK: Setting up

    private func instance(role: String, model: String) throws -> LoadedInstance {
        let configuration = request.configuration
        let library = try PluginLibrary(named: configuration.plugin)
        let plugin = try openPlugin(named: configuration.plugin, isolated: false, log: console.log)
        let (workload, position) = try plugin.workload(named: configuration.workload)
        let resolved = try WorkloadOptions(declaration: workload.options, workload: workload.id)
            .resolve(configuration.options)
        return try LoadedInstance(
            library: library,
            request: InstanceRequest(
                workload: position,
                role: role,
                model: model,
                dataset: role == "head" ? configuration.datasetPath : nil,
                options: .object(resolved),
                threads: configuration.threads > 0 ? configuration.threads : nil,
                limits: configuration.callLimits
            ),
            log: console.log
        )
    }

    private func calibrationSamples(_ model: String) throws -> CalibrationSamples {
        guard request.configuration.datasetPath != nil else {
            throw ConfigError(
                "scales of activations and GPTQ need calibration data; give --calibration, "
                    + "or --scheme mxfp4 --kv-cache none --method rtn",
                key: "--calibration"
            )
        }
        return try CalibrationSamples(instance(role: "head", model: model), count: request.samples)
    }

    /// What else decides the bytes, as text: a folder that was begun with another text is refused.
    private func settings(_ plan: QuantizationPlan, _ worker: LoadedInstance, _ samples: CalibrationSamples?) -> String
    {
        var lines = [
            "host \(podiumVersion)", "\(worker.workload.id) \(worker.workload.version)",
            "method \(request.method.rawValue)",
        ]
        if request.method == .gptq { lines.append("damping \(request.damping), order \(request.order.rawValue)") }
        if let samples { lines.append("calibration \(samples.payloads.count) samples, sha256 \(samples.digest)") }
        for file in plan.source.files {
            var status = stat()
            guard stat(file.path, &status) == 0 else { continue }
            let name = file.path.split(separator: "/").last.map(String.init) ?? file.path
            lines.append("\(name) \(status.st_size) bytes, modified \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)")
        }
        return lines.joined(separator: "\n")
    }

    private func copyCompanions(from model: String) throws {
        let files = try CompanionFiles(of: model)
        for name in files.names where !files.isCopied(name, to: request.output) {
            try files.copy(name, to: request.output)
        }
        for name in files.tooLarge {
            console.note(
                "\(model)/\(name) is larger than \(CompanionFiles.sizeLimit >> 20) MiB and not copied; "
                    + "copy it yourself if the model needs it"
            )
        }
    }

    // MARK: The two ways

    /// Without calibration: each weight is rounded and written.
    private func round(
        _ plan: QuantizationPlan,
        _ worker: LoadedInstance,
        _ writer: QuarkCheckpointWriter,
        _ progress: QuantizeProgress
    ) throws {
        let pool = try pool(worker)
        let steps = writer.steps.filter { !writer.isDone($0) }
        progress.expect(steps.count)
        for step in steps {
            try write(step, plan, .init(), writer, pool, progress)
            progress.step()
            if let line = progress.lineWithoutTerminal("\(step.file) is written") { console.note(line) }
        }
    }

    private func pool(_ worker: LoadedInstance) throws -> ThreadPool {
        guard let pool = worker.context.deviceGroup?.pool else {
            throw QuantizeError("the instance has no device to compute with", status: .failed)
        }
        return pool
    }

    /// With calibration: stage by stage.
    private func calibrate(
        _ plan: QuantizationPlan,
        _ worker: LoadedInstance,
        _ samples: CalibrationSamples,
        _ writer: QuarkCheckpointWriter,
        _ progress: QuantizeProgress,
        first: [String]
    ) throws {
        let pool = try pool(worker)
        let steps = Dictionary(grouping: writer.steps) { $0.stage ?? plan.stages.count }
        let isMissing = plan.stages.indices.map { stage in !(steps[stage] ?? []).allSatisfy { writer.isDone($0) } }
        if isMissing.contains(true) {
            let sizes = try samples.payloads.enumerated().map { sample, payload in
                try namingSample(sample) { try worker.calibrationStateSize(payload) }
            }
            let start = CalibrationRecord.stage(in: request.output, sizes: sizes, isMissing: isMissing)
            // Gone before the files of states are there: new files full of zeros must not meet an old record.
            if start == 0 { unlink(CalibrationRecord.path(in: request.output)) }
            let states = try CalibrationStates(folder: request.output, sizes: sizes)
            progress.expect(
                sizes.count
                    * (start..<plan.stages.count).reduce(0) {
                        $0 + StageQuantizer.passes(plan, stage: $1, request.method)
                    }
            )
            if start == 0 {
                try begin(plan, worker, samples, states, progress, first)
            } else {
                console.note(
                    "going on with \(plan.stages[start].name), \(start) of \(plan.stages.count) stages are done"
                )
            }
            for stage in start..<plan.stages.count {
                let outcome = try StageQuantizer(
                    plan: plan,
                    stage: stage,
                    worker: worker,
                    states: states,
                    method: request.method,
                    gptq: GPTQ(damping: request.damping, order: request.order.gptq),
                    pool: pool,
                    progress: progress,
                    output: request.output
                ).run()
                for step in steps[stage] ?? [] { try write(step, plan, outcome, writer, pool, progress) }
                if stage + 1 < plan.stages.count {
                    try states.synchronize(before: stage + 1)
                    try CalibrationRecord.write(stage: stage + 1, in: request.output)
                }
                let done = "\(plan.stages[stage].name) is written, \(stage + 1) of \(plan.stages.count) stages are done"
                if let line = progress.lineWithoutTerminal(done) { console.note(line) }
            }
        }
        for step in steps[plan.stages.count] ?? [] where !writer.isDone(step) {
            try write(step, plan, .init(), writer, pool, progress)
        }
    }

    /// The states before the first stage.
    private func begin(
        _ plan: QuantizationPlan,
        _ worker: LoadedInstance,
        _ samples: CalibrationSamples,
        _ states: CalibrationStates,
        _ progress: QuantizeProgress,
        _ first: [String]
    ) throws {
        progress.enter("first states", samples: samples.payloads.count)
        let tensors = try StageWeights(first, of: plan.source)
        for (sample, payload) in samples.payloads.enumerated() {
            try progress.checkInterrupt(request.output)
            try namingSample(sample) {
                try worker.beginCalibration(
                    payload,
                    tensors: tensors.table,
                    into: states.before(stage: 0, sample: sample)
                )
            }
        }
    }

    private func namingSample<Result>(_ sample: Int, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch var fault as PluginFault {
            fault.reason = "calibration sample \(sample): \(fault.reason)"
            throw fault
        }
    }

    private func write(
        _ step: QuarkCheckpointWriter.Step,
        _ plan: QuantizationPlan,
        _ outcome: StageQuantizer.Outcome,
        _ writer: QuarkCheckpointWriter,
        _ pool: ThreadPool,
        _ progress: QuantizeProgress
    ) throws {
        progress.enter("\(step.file): \(step.layers.first ?? "other tensors")", samples: 0)
        try QuantizeError.naming(.failed) {
            try writer.write(step) { layer, weight in
                try progress.checkInterrupt(request.output)
                if let made = outcome.weights[layer] { return made }
                guard let scheme = plan.recipe.scheme(ofLayer: layer)?.weight else {
                    throw QuantizeError("\(layer) is written without being quantised", status: .failed)
                }
                return try QuantizeError.naming(.usage) {
                    try weight.withFloats(pool) { values in
                        try scheme.quantize(
                            values,
                            rows: weight.shape[0],
                            columns: weight.shape[1],
                            scaleType: plan.recipe.scaleType,
                            name: weight.name
                        ) { count, body in pool.forEach(count, body) }
                    }
                }
            } scales: { layer in
                outcome.scales[layer] ?? .init()
            }
        }
    }
}
