public import CPluginAPI
import Glibc
import Kernels
public import PluginAPI

/// Serves a causal language model: takes prompts in, gives first tokens and completions to the host.
///
/// One thread of the engine's own plans a step, replays its recording, and reports what came of it. Between
/// `start` and `stop`, `issue` and `cancel` may be called from any thread. A step allocates nothing.
public final class GenerationEngine: @unchecked Sendable {
    private let host: Host
    private let devices: Devices
    private let stream: Stream
    private let memory: DeviceMemory
    private let inputs: StepInputs
    private let cache: PagedKVCache
    private let queue = QueryQueue()
    private let results: ResultBatch
    private let recorder: StepRecorder
    private let scheduler: Scheduler
    private let refusalLog: RefusalLog
    private let geometry: ModelGeometry
    private var thread: pthread_t?
    private var failure: PluginError?

    /// Allocates cache and buffers on device 0 of the group and records the steps.
    ///
    /// - Parameters:
    ///   - model: The model, its weights bound.
    ///   - options: How to generate.
    ///   - host: The services.
    /// - Throws: `PluginError` when the device has no kernels here, memory is short, or an option makes no sense.
    public init(model: any CausalLanguageModel, options: GenerationOptions, host: Host) throws {
        self.host = host
        devices = try host.devices()
        geometry = model.geometry
        let properties = try devices.properties(0)
        let backend = podium_backend_of(properties.kind, properties.architecture)
        let launcher = try host.launcher()
        let samples = try host.samples()
        memory = DeviceMemory(devices: devices, device: 0)
        stream = try devices.makeStream(0)
        do {
            inputs = try StepInputs(
                rowCapacity: options.rowCapacity,
                logitCapacity: options.maxBatch,
                memory: memory
            )
            cache = try PagedKVCache(
                geometry: geometry,
                type: options.cacheType,
                pages: try Self.pages(options, geometry, devices),
                pageSize: options.pageSize,
                slots: options.maxBatch,
                memory: memory,
                devices: devices,
                stream: stream
            )
            recorder = try StepRecorder(
                model: model,
                inputs: inputs,
                cache: cache,
                backend: backend,
                devices: devices,
                launcher: launcher,
                stream: stream,
                memory: memory
            )
            try devices.synchronize(stream)
        } catch {
            devices.release(stream)
            throw error
        }
        host.log(.info, cache.summary)
        results = ResultBatch(samples: samples, capacity: max(options.maxBatch, 256))
        let refusalLog = RefusalLog(host: host)
        self.refusalLog = refusalLog
        scheduler = Scheduler(
            options: options,
            geometry: geometry,
            cache: cache,
            queue: queue,
            results: results
        ) { [results] query, reason in
            refusalLog.note(query, reason)
            results.addCompletion(query.id, status: .invalidArgument, tokens: nil, count: 0)
            results.flush()
        }
    }

    deinit { devices.release(stream) }

    /// Pages of the cache: as asked for, or the whole context for every sequence as far as half of the memory goes that
    /// the weights leave.
    private static func pages(
        _ options: GenerationOptions,
        _ geometry: ModelGeometry,
        _ devices: Devices
    ) throws -> Int {
        func pages(_ tokens: Int) -> Int { (tokens + options.pageSize - 1) / options.pageSize }
        if options.cacheTokens > 0 {
            guard pages(options.cacheTokens) <= Int(Int32.max) else {
                throw PluginError(
                    .invalidArgument,
                    "kv_cache_tokens \(options.cacheTokens) in pages of \(options.pageSize): at most \(Int32.max) pages"
                )
            }
            return pages(options.cacheTokens)
        }
        let wanted = options.maxBatch * pages(geometry.context)
        let pageBytes =
            geometry.layers * options.pageSize * PagedKVCache.positionBytes(geometry, options.cacheType)
        let free = Int(clamping: try devices.freeMemory(0))
        let affordable = max(0, free - geometry.mappedWeightBytes) / 2 / max(pageBytes, 1)
        guard affordable > 0 else {
            throw PluginError(
                .outOfMemory,
                "key-value cache: of \(free) free bytes mapped weights take \(geometry.mappedWeightBytes), and half of "
                    + "the rest does not hold one page of \(pageBytes) bytes"
            )
        }
        return min(wanted, affordable, Int(Int32.max))
    }

    // MARK: The host's calls

    /// Starts the thread.
    ///
    /// - Throws: `PluginError` when the system has no thread to give.
    public func start() throws {
        precondition(thread == nil, "start of an engine that runs")
        queue.restart()
        failure = nil
        scheduler.resetStatistics()
        let context = Unmanaged.passUnretained(self).toOpaque()
        var created = pthread_t()
        let code = pthread_create(
            &created,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<GenerationEngine>.fromOpaque(context).takeUnretainedValue().run()
                return nil
            },
            context
        )
        guard code == 0 else {
            throw PluginError(.outOfMemory, "no thread for the engine: \(String(cString: strerror(code)))")
        }
        thread = created
    }

    /// Ends the thread; samples that are not finished complete with `MLP_CANCELLED` before this returns.
    public func stop() {
        guard let thread else { return }
        queue.stop()
        pthread_join(thread, nil)
        self.thread = nil
    }

    /// Takes queries over, whose payloads are little-endian int32 token ids.
    public func issue(_ queries: UnsafeBufferPointer<mlp_query>) { queue.append(queries) }

    /// Ends samples early.
    public func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) { queue.cancel(ids) }

    /// Runs every recorded step once on synthetic tokens, and waits for that.
    ///
    /// - Throws: The device's error, if a step failed.
    public func warmUp() throws {
        queue.warmUpAndWait()
        if let failure { throw failure }
    }

    /// What has been done since `start`; for use after `stop`.
    public var statistics: GenerationStatistics { scheduler.statistics }

    // MARK: The thread

    private func run() {
        while true {
            let orders = queue.nextOrders(busy: !scheduler.isIdle)
            if orders.stop { break }
            for id in orders.cancelled { scheduler.cancel(id) }
            if !orders.cancelled.isEmpty { results.flush() }
            if let failure {
                scheduler.endAll(failure.status)
                if orders.warmUp { queue.warmUpDone() }
                continue
            }
            do {
                if orders.warmUp && scheduler.isIdle { try runWarmUp() }
                try runStep()
            } catch {
                fail(error)
            }
        }
        scheduler.endAll(.cancelled)
    }

    private func runStep() throws {
        guard try scheduler.plan(into: inputs) else { return }
        try recorder.run(rows: inputs.rows)
        try scheduler.replaceEarlyEnds(in: inputs) { row in
            try recorder.bestToken(row: row, best: inputs.chosen[row], excluding: scheduler.isEnd)
        }
        scheduler.advance(with: inputs)
    }

    private func runWarmUp() throws {
        for rows in recorder.bucketSizes {
            guard try scheduler.planWarmUp(rows: rows, into: inputs) else { continue }
            defer { scheduler.endWarmUp() }
            try recorder.run(rows: inputs.rows)
        }
        queue.warmUpDone()
    }

    /// A device that failed once is not trusted again: every sample fails until the next start.
    private func fail(_ error: any Error) {
        let failure = error as? PluginError ?? PluginError(.internalError, "\(error)")
        self.failure = failure
        host.log(.error, "text generation stopped: \(failure.message); every sample fails from here on")
        scheduler.endAll(failure.status)
    }
}
