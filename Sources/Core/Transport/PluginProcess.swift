import CPluginAPI
import Glibc
import JSON
import Synchronization

/// The child's side of `--isolate`: loads the library that the parent names and does what its frames say.
public enum PluginProcess {
    /// The descriptor on which the child finds its socket.
    static let descriptor: Int32 = 3
    /// The descriptor on which it finds the memory of its beacon.
    static let beaconDescriptor: Int32 = 4
    /// The exit status of a child whose plugin closed its socket.
    static let descriptorsLost: Int32 = 96

    /// Serves the parent until it goes away; never returns.
    public static func run() -> Never {
        // The plugin must not be able to reach the socket under its well-known number.
        let moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 100)
        if moved >= 0 { close(descriptor) }
        signal(SIGPIPE, SIG_IGN)
        let socket = FrameSocket(descriptor: moved >= 0 ? moved : descriptor) { _exit(descriptorsLost) }
        let beacon = CallBeacon(descriptor: beaconDescriptor)
        close(beaconDescriptor)
        let server = PluginServer(socket: socket, beacon: beacon)
        server.serve()
        if fcntl(socket.descriptor, F_GETFD) < 0 { _exit(descriptorsLost) }
        // Threads of the plugin may still run: leave without unwinding under them.
        _exit(0)
    }
}

/// Executes the parent's frames: control requests on one thread, issuing on another, cancelling on a third.
private final class PluginServer: @unchecked Sendable {
    private let socket: FrameSocket
    private let control = FrameQueue()
    private let issuing = FrameQueue()
    private let cancelling = FrameQueue()
    private let beacon: CallBeacon
    private var limits = CallLimits()
    private var library: PluginLibrary?
    private let instance = Mutex<LoadedInstance?>(nil)
    private let sink: ForwardingSink
    private let log: HostContext.LogHandler

    init(socket: FrameSocket, beacon: CallBeacon) {
        self.socket = socket
        self.beacon = beacon
        sink = ForwardingSink(socket: socket)
        log = { level, message in
            var content = WireWriter()
            content.put(level)
            content.put(message)
            socket.send(.log, content.bytes)
        }
    }

    func serve() {
        startThread(name: "requests") { [self] in
            while true { answer(control.next()) }
        }
        startThread(name: "issue") { [self] in
            while true {
                issue(issuing.next())
                issuing.done()
            }
        }
        startThread(name: "cancel") { [self] in
            while true {
                cancel(cancelling.next().content)
                cancelling.done()
            }
        }
        while let frame = try? socket.receive() {
            switch frame.kind {
            case .issue, .issueWithPayloads, .flush: issuing.append(frame)
            case .cancel: cancelling.append(frame)
            default: control.append(frame)
            }
        }
    }

    private func cancel(_ content: WireReader) {
        var content = content
        guard let ids = try? content.uint64s(), let instance = instance.withLock({ $0 }) else { return }
        ids.withUnsafeBufferPointer { instance.cancel($0) }
    }

    private func issue(_ frame: FrameQueue.Frame) {
        guard let instance = instance.withLock({ $0 }) else { return }
        beacon.current = frame.kind == .flush ? .flush : .issue
        defer { beacon.current = .none }
        do {
            if frame.kind == .flush { return try instance.flush() }
            if frame.kind == .issueWithPayloads { return try issue(frame.content, on: instance) }
            var content = frame.content
            var samples: [IssuedSample] = []
            while !content.isAtEnd {
                samples.append(IssuedSample(id: try content.uint64(), index: try content.uint64()))
            }
            sink.willIssue(samples)
            try samples.withUnsafeBufferPointer { try instance.issue($0) }
        } catch let fault as PluginFault {
            socket.send(.asynchronousFault, fault.frame)
        } catch {
            socket.send(
                .asynchronousFault,
                PluginFault(.failed, library: instance.library, call: "issue", reason: "\(error)").frame
            )
        }
    }

    /// Issues samples with payloads that came along; each stays until its sample is complete.
    private func issue(_ content: WireReader, on instance: LoadedInstance) throws {
        var content = content
        var queries: [mlp_query] = []
        while !content.isAtEnd {
            let (id, index, tokenCount) = (try content.uint64(), try content.uint64(), try content.uint64())
            let payload = ForwardingSink.Payload(try content.content())
            sink.willIssue(id, payload: payload)
            queries.append(
                mlp_query(id: id, index: index, payload: payload.bytes, token_count: tokenCount, reserved: 0)
            )
        }
        try queries.withUnsafeBufferPointer { try instance.issue(queries: $0) }
    }

    private func answer(_ frame: FrameQueue.Frame) {
        do {
            var reply = WireWriter()
            try answer(frame.kind, frame.content, &reply)
            socket.send(.reply, reply.bytes)
        } catch let fault as PluginFault {
            socket.send(.fault, fault.frame)
        } catch {
            let fault = PluginFault(
                .failed,
                library: library?.path ?? "the plugin",
                call: "\(frame.kind)",
                reason: "\(error)"
            )
            socket.send(.fault, fault.frame)
        }
    }

    private func running() throws -> LoadedInstance {
        guard let instance = instance.withLock({ $0 }) else {
            throw WireError(reason: "there is no instance yet")
        }
        return instance
    }

    private func answer(_ kind: FrameKind, _ content: WireReader, _ reply: inout WireWriter) throws {
        var content = content
        switch kind {
        case .open:
            let opened = try PluginLibrary(named: try content.string())
            library = opened
            reply.put(opened.path)
            reply.put(opened.abiMinor)
            reply.put(UInt32(opened.workloads.count))
            for workload in opened.workloads { workload.write(to: &reply) }
        case .create:
            guard let library else { throw WireError(reason: "no library is open") }
            let request = try InstanceRequest(from: &content)
            limits = request.limits
            let created = try LoadedInstance(library: library, request: request, log: log)
            instance.withLock { $0 = created }
            reply.put(UInt32(created.abilities.extensions.count))
            for id in created.abilities.extensions { reply.put(id) }
            reply.put(created.abilities.claims)
            reply.put(created.abilities.vocabulary)
        case .prepare: try running().prepare()
        case .start:
            sink.restart()
            try running().start(results: sink)
        case .stop:
            let instance = try running()
            // The run is over: what it issued is to have returned.
            guard issuing.waitUntilIdle(within: limits.control) else {
                throw PluginFault.hang(library: instance.library, call: beacon.current.name, seconds: limits.control)
            }
            try instance.stop()
        case .destroy: try running().destroy()
        case .datasetSize:
            let size = try running().datasetSize()
            reply.put(size.total)
            reply.put(size.performance)
        case .load: try running().load(try content.uint64s())
        case .unload: try running().unload(try content.uint64s())
        case .payloads:
            let payloads = try running().payloads
            let entries = try content.uint64s().prefix { payloads?[$0] != nil }.compactMap { payloads?[$0] }
            // As many as a frame of some 64 MiB holds, and one at least.
            var bytes: UInt64 = 0
            let count = entries.prefix { entry in
                defer { bytes += entry.payload.size }
                return bytes < 64 << 20
            }.count
            reply.put(UInt32(count))
            for entry in entries.prefix(count) {
                reply.put(entry.tokenCount)
                reply.put(UnsafeRawBufferPointer(start: entry.payload.data, count: Int(entry.payload.size)))
            }
        case .warmUp: try running().warmUp()
        case .beginAccuracy: try running().beginAccuracy()
        case .addResponses:
            var entries: [AccuracyEntry] = []
            while !content.isAtEnd {
                let index = try content.uint64()
                let tokenCount = try content.uint64()
                entries.append(AccuracyEntry(index: index, data: try content.content(), tokenCount: tokenCount))
            }
            try running().addResponses(entries)
        case .finishAccuracy:
            let verdict = try running().finishAccuracy()
            reply.put(UInt32(verdict.passed ? 1 : 0))
            reply.put(verdict.text)
            reply.put(verdict.metrics)
        case .encode: reply.put(try running().encode(try content.content()))
        case .decode: reply.put(try running().decode(try content.uint32s()))
        default: throw WireError(reason: "a frame of kind \(kind) is no request")
        }
    }
}

/// Frames in order, from the reader to one worker.
private final class FrameQueue: @unchecked Sendable {
    typealias Frame = (kind: FrameKind, content: WireReader)
    private let frames = Mutex<[Frame]>([])
    private let available = Semaphore()
    private let open = Atomic<Int>(0)

    func append(_ frame: Frame) {
        open.wrappingAdd(1, ordering: .relaxed)
        frames.withLock { $0.append(frame) }
        available.signal()
    }

    /// The last frame taken is dealt with.
    func done() { open.wrappingSubtract(1, ordering: .releasing) }

    /// Waits until every frame is dealt with; false if that takes longer.
    func waitUntilIdle(within seconds: Double) -> Bool {
        let deadline = monotonicNanoseconds() &+ UInt64(seconds * 1e9)
        while open.load(ordering: .acquiring) > 0 {
            if monotonicNanoseconds() > deadline { return false }
            usleep(500)
        }
        return true
    }

    func next() -> Frame {
        while true {
            available.wait()
            if let frame = frames.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return frame }
        }
    }
}

/// Sends results to the parent, and answers at once what the parent's ledger will find.
private final class ForwardingSink: ResponseSink, @unchecked Sendable {
    private enum Progress { case issued, firstToken, complete }
    /// Memory of a payload that came with its sample.
    struct Payload: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer

        init(_ bytes: [UInt8]) {
            memory = .allocate(byteCount: bytes.count, alignment: 16)
            memory.copyBytes(from: bytes)
        }

        var bytes: mlp_bytes { mlp_bytes(data: UnsafeRawPointer(memory.baseAddress), size: UInt64(memory.count)) }

        func deallocate() { memory.deallocate() }
    }
    private struct Sample {
        var progress: Progress
        /// Nil for a sample of the process's own data set, and once it is complete.
        var payload: Payload?
    }
    private let socket: FrameSocket
    private let samples = Mutex<[UInt64: Sample]>([:])

    init(socket: FrameSocket) { self.socket = socket }

    /// Forgets the samples of the run before.
    func restart() {
        samples.withLock { samples in
            for sample in samples.values { sample.payload?.deallocate() }
            samples.removeAll(keepingCapacity: true)
        }
    }

    func willIssue(_ issued: [IssuedSample]) {
        samples.withLock { samples in
            for sample in issued { samples[sample.id] = Sample(progress: .issued, payload: nil) }
        }
    }

    /// Takes a payload over, until the sample is complete.
    func willIssue(_ id: UInt64, payload: Payload) {
        let sample = Sample(progress: .issued, payload: payload)
        samples.withLock { $0.updateValue(sample, forKey: id)?.payload?.deallocate() }
    }

    func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        forward(results, count, as: .firstToken)
    }

    func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        forward(results, count, as: .complete)
    }

    private func forward(_ results: UnsafePointer<mlp_result>?, _ count: UInt64, as kind: FrameKind) -> mlp_status {
        guard count > 0 else { return mlp_status(MLP_OK) }
        guard let results, count <= 1 << 32 else {
            var content = WireWriter()
            content.put(kind.rawValue)
            content.put(count)
            socket.send(.nullResults, content.bytes)
            return mlp_status(MLP_INVALID_ARGUMENT)
        }
        var content = WireWriter()
        var first = mlp_status(MLP_OK)
        for result in UnsafeBufferPointer(start: results, count: Int(count)) {
            let (status, payload) = advance(result.id, kind)
            // The result may lie in the payload, and is copied below.
            defer { payload?.deallocate() }
            if first == mlp_status(MLP_OK) { first = status }
            // Bad results travel too: the parent's ledger counts them.
            content.put(result.id)
            content.put(result.status)
            content.put(result.token_count)
            let isReadable = result.data.isReadable
            if !isReadable, first == mlp_status(MLP_OK) { first = mlp_status(MLP_INVALID_ARGUMENT) }
            content.put(isReadable ? 0 : result.data.size)
            content.put(
                UnsafeRawBufferPointer(
                    start: isReadable ? result.data.data : nil,
                    count: isReadable ? Int(result.data.size) : 0
                )
            )
        }
        socket.send(kind, content.bytes)
        return first
    }

    /// Notes a result.
    ///
    /// - Returns: What the plugin is to hear, and the payload that nobody needs any more.
    private func advance(_ id: UInt64, _ kind: FrameKind) -> (mlp_status, payload: Payload?) {
        samples.withLock { samples in
            guard let sample = samples[id] else { return (mlp_status(MLP_UNKNOWN_SAMPLE), nil) }
            switch sample.progress {
            case .complete: return (mlp_status(MLP_ALREADY_COMPLETE), nil)
            case .firstToken where kind == .firstToken: return (mlp_status(MLP_INVALID_STATE), nil)
            default: break
            }
            guard kind == .complete else {
                samples[id]?.progress = .firstToken
                return (mlp_status(MLP_OK), nil)
            }
            samples[id] = Sample(progress: .complete, payload: nil)
            return (mlp_status(MLP_OK), sample.payload)
        }
    }
}
