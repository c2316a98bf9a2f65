public import CPluginAPI
import Glibc
import Kernels
public import PluginAPI

/// Serves a causal language model: takes prompts in, gives first tokens and completions to the host.
///
/// One thread of the engine's own plans steps, replays their recordings, and reports what came of them. With two steps
/// in flight it plans one while the device computes the one before it, and waits for nothing but that one's tokens.
/// Between `start` and `stop`, `issue` and `cancel` may be called from any thread. A step allocates nothing.
public final class GenerationEngine: @unchecked Sendable {
    private let host: Host
    private let devices: Devices
    private let stream: Stream
    private let memory: DeviceMemory
    private let cache: PagedKVCache
    private let queue = QueryQueue()
    private let results: ResultBatch
    private let recorder: StepRecorder
    private let scheduler: Scheduler
    /// As many as may be in flight; they take turns.
    private let steps: [StagedStep]
    /// The one to plan next; those in flight are the ones before it.
    private var next = 0
    private var inFlight = 0
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
        if let steps = options.stepsInFlight, !(1...2).contains(steps) {
            throw PluginError(.invalidArgument, "\(steps) steps in flight: expected 1 or 2")
        }
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
            let layout = StepLayout(
                rowCapacity: options.rowCapacity,
                logitCapacity: options.maxBatch,
                pageChangeCapacity: PagedKVCache.pageChanges(rowCapacity: options.rowCapacity, maxPages: cache.maxPages)
            )
            steps = try (0..<(options.stepsInFlight ?? (backend == PODIUM_BACKEND_CPU ? 1 : 2))).map {
                [memory, devices] _ in
                try StagedStep(layout: layout, memory: memory, devices: devices)
            }
            recorder = try StepRecorder(
                model: model,
                inputs: try StepInputs(layout: layout, memory: memory),
                cache: cache,
                excluded: options.minNewTokens > 0 ? options.endTokens : [],
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
            let orders = queue.nextOrders(busy: !scheduler.isIdle || inFlight > 0)
            if orders.stop { break }
            for id in orders.cancelled { scheduler.cancel(id) }
            if !orders.cancelled.isEmpty { results.flush() }
            if let failure {
                scheduler.endAll(failure.status)
                if orders.warmUp { queue.warmUpDone() }
                continue
            }
            do {
                if orders.warmUp && scheduler.isIdle && inFlight == 0 { try runWarmUp() }
                try runStep()
            } catch {
                fail(error)
            }
        }
        abandonSteps()
        scheduler.endAll(.cancelled)
    }

    /// Submits a step, if there is one to compute, and ends the oldest in flight unless one more may join it.
    private func runStep() throws {
        let step = steps[next]
        if scheduler.plan(step) {
            try recorder.submit(step)
            next = (next + 1) % steps.count
            inFlight += 1
            if inFlight < steps.count { return }
        }
        guard inFlight > 0 else { return }
        let oldest = steps[(next + steps.count - inFlight) % steps.count]
        try recorder.wait(for: oldest)
        inFlight -= 1
        scheduler.advance(with: oldest)
    }

    private func runWarmUp() throws {
        let step = steps[next]
        for rows in recorder.bucketSizes {
            guard scheduler.planWarmUp(rows: rows, step) else { continue }
            defer { scheduler.endWarmUp() }
            try recorder.submit(step)
            try recorder.wait(for: step)
        }
        queue.warmUpDone()
    }

    /// Lets the steps in flight end without looking at what they chose.
    private func abandonSteps() {
        recorder.drain()
        inFlight = 0
    }

    /// A device that failed once is not trusted again: every sample fails until the next start.
    private func fail(_ error: any Error) {
        let failure = error as? PluginError ?? PluginError(.internalError, "\(error)")
        self.failure = failure
        abandonSteps()
        host.log(.error, "text generation stopped: \(failure.message); every sample fails from here on")
        scheduler.endAll(failure.status)
    }
}
