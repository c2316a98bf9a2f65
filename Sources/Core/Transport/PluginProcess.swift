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
            case .issue, .flush: issuing.append(frame)
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
    private let socket: FrameSocket
    private let samples = Mutex<[UInt64: Progress]>([:])

    init(socket: FrameSocket) { self.socket = socket }

    /// Forgets the samples of the run before.
    func restart() { samples.withLock { $0.removeAll(keepingCapacity: true) } }

    func willIssue(_ issued: [IssuedSample]) {
        samples.withLock { samples in
            for sample in issued { samples[sample.id] = .issued }
        }
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
            let status = samples.withLock { samples -> mlp_status in
                switch samples[result.id] {
                case nil: return mlp_status(MLP_UNKNOWN_SAMPLE)
                case .complete?: return mlp_status(MLP_ALREADY_COMPLETE)
                case .firstToken? where kind == .firstToken: return mlp_status(MLP_INVALID_STATE)
                default:
                    samples[result.id] = kind == .firstToken ? .firstToken : .complete
                    return mlp_status(MLP_OK)
                }
            }
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
}
