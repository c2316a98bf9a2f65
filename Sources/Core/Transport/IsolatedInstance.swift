import CPluginAPI
import Glibc
import JSON
import Synchronization

/// A plugin in a child process, so that its crash or hang costs a run and not the report.
///
/// The child is this same executable (`host plugin-process`), connected by a socket.  It loads the library, drives it
/// as this process would, and sends results as they come; the clock that counts is read here, on their arrival.
final class IsolatedPlugin: @unchecked Sendable {
    let name: String
    private let limits: CallLimits
    private let child: ChildProcess
    private let socket: FrameSocket
    private let beacon = CallBeacon()
    private let log: HostContext.LogHandler
    private let mailbox = Mailbox()
    private let sink = Mutex<(any ResponseSink)?>(nil)
    private let faultHandler = Mutex<(@Sendable (PluginFault) -> Void)?>(nil)
    private let requesting = Mutex<Void>(())

    /// Starts the child.
    ///
    /// Nothing of the library runs before `open`.
    init(name: String, limits: CallLimits, log: @escaping HostContext.LogHandler) throws {
        self.name = name
        self.limits = limits
        self.log = log
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw ChildProcessError(executable: name, reason: "socketpair: \(String(cString: strerror(errno)))")
        }
        socket = FrameSocket(descriptor: pair[0])
        defer { Glibc.close(pair[1]) }
        // What a plugin prints goes to standard error: standard output is for results.
        child = try ChildProcess(
            executable: executablePath(),
            arguments: [executablePath(), "plugin-process", "--library", name],
            descriptors: [
                (pair[1], PluginProcess.descriptor), (STDERR_FILENO, STDOUT_FILENO),
                (beacon.descriptor, PluginProcess.beaconDescriptor),
            ],
            // An interrupted run closes its logs before the child goes.
            ownGroup: true
        )
        startThread(name: "isolated-reader") { [self] in readFrames() }
    }

    deinit {
        socket.shutDown()
        if child.wait(within: 0) == nil {
            child.kill()
            _ = child.wait(within: 5)
        }
    }

    // MARK: Requests

    /// Lets the child open the library.
    ///
    /// - Returns: What it says of its workloads.
    func open() throws -> WireReader {
        var content = WireWriter()
        content.put(name)
        return try request(.open, call: "mlp_library_v1", within: limits.control, content.bytes)
    }

    /// Asks the child and waits for its answer.
    func request(_ kind: FrameKind, call: String, within seconds: Double, _ content: [UInt8] = []) throws -> WireReader
    {
        try requesting.withLock { _ in
            mailbox.expect(call)
            defer { mailbox.expect(nil) }
            if let fault = mailbox.fault { throw fault }
            socket.send(kind, content)
            guard let answer = mailbox.wait(within: seconds) else {
                let fault = PluginFault(
                    .hang,
                    library: name,
                    call: call,
                    reason: "it did not return within \(seconds) s; its process was ended"
                )
                mailbox.fail(fault)
                child.kill()
                throw fault
            }
            return try answer.get()
        }
    }

    /// Tells the child something that has no answer.
    ///
    /// After a fault that a handler was told of it does nothing: the handler ends the run, with what is finished.
    func tell(_ kind: FrameKind, _ content: [UInt8]) throws {
        if let fault = mailbox.fault {
            if faultHandler.withLock({ $0 == nil }) { throw fault }
            return
        }
        socket.send(kind, content)
    }

    func deliver(to sink: any ResponseSink) { self.sink.withLock { $0 = sink } }

    func onFault(_ handler: @escaping @Sendable (PluginFault) -> Void) {
        faultHandler.withLock { $0 = handler }
        if let fault = mailbox.fault { handler(fault) }
    }

    // MARK: The child's frames

    private func readFrames() {
        var reason: String?
        do {
            while let (kind, content) = try socket.receive() { try take(kind, content) }
        } catch {
            reason = "it sent what is no frame of ours: \(error)"
        }
        end(because: reason)
    }

    private func take(_ kind: FrameKind, _ content: WireReader) throws {
        var content = content
        switch kind {
        case .reply: mailbox.post(.success(content))
        case .fault: mailbox.post(.failure(try PluginFault(from: &content)))
        case .asynchronousFault: report(try PluginFault(from: &content))
        case .log: log(try content.int32(), try content.string())
        case .nullResults:
            let sink = sink.withLock { $0 }
            let call = try content.uint32()
            let count = try content.uint64()
            _ = call == FrameKind.firstToken.rawValue ? sink?.firstToken(nil, count) : sink?.complete(nil, count)
        case .firstToken, .complete:
            let sink = sink.withLock { $0 }
            while !content.isAtEnd {
                let id = try content.uint64()
                let status = try content.int32()
                let tokenCount = try content.uint64()
                let unreadable = try content.uint64()
                let data = try content.content()
                data.withUnsafeBytes { data in
                    let bytes =
                        unreadable > 0
                        ? mlp_bytes(data: nil, size: unreadable)
                        : mlp_bytes(data: data.baseAddress, size: UInt64(data.count))
                    var result = mlp_result(
                        id: id,
                        status: status,
                        reserved: 0,
                        data: bytes,
                        token_count: tokenCount
                    )
                    _ = kind == .firstToken ? sink?.firstToken(&result, 1) : sink?.complete(&result, 1)
                }
            }
        default: throw WireError(reason: "a frame of kind \(kind), which only the host sends")
        }
    }

    /// The connection has ended: says how, to whoever waits or listens.
    private func end(because reason: String?) {
        let call = mailbox.expected ?? beacon.current.name
        let ending: PluginFault
        if let reason {
            child.kill()
            _ = child.wait(within: 5)
            ending = PluginFault(.contract, library: name, call: call, reason: reason)
        } else if let end = child.wait(within: 1) {
            switch end {
            case .exited(PluginProcess.descriptorsLost):
                ending = PluginFault(
                    .contract,
                    library: name,
                    call: call,
                    reason: "it closed descriptors that belong to the host"
                )
            case .exited:
                ending = PluginFault(
                    .crash,
                    library: name,
                    call: call,
                    reason: "its process ended with \(end); a plugin must not end the process"
                )
            case .signalled:
                ending = PluginFault(.crash, library: name, call: call, reason: "its process ended with \(end)")
            }
        } else {
            child.kill()
            _ = child.wait(within: 5)
            ending = PluginFault(.contract, library: name, call: call, reason: "it closed its connection to the host")
        }
        if mailbox.isClosing { return }
        report(ending)
    }

    /// Tells whoever waits for an answer, and else the handler: one of them, so that nothing is reported twice.
    private func report(_ fault: PluginFault) {
        if mailbox.fail(fault) { return }
        if let handler = faultHandler.withLock({ $0 }) {
            handler(fault)
        } else {
            log(3, "\(fault)")
        }
    }

    /// Ends the child after a good end of the instance.
    func close() {
        mailbox.close()
        socket.shutDown()
        if child.wait(within: 2) == nil {
            child.kill()
            _ = child.wait(within: 5)
        }
    }
}

/// Where one thread waits for the answer to its request.
private final class Mailbox: @unchecked Sendable {
    private struct State {
        var expected: String?
        var answer: Result<WireReader, PluginFault>?
        var fault: PluginFault?
        var closing = false
    }

    private let state = Mutex(State())
    private let arrived = Semaphore()

    var fault: PluginFault? { state.withLock { $0.fault } }
    var expected: String? { state.withLock { $0.expected } }
    var isClosing: Bool { state.withLock { $0.closing } }

    func expect(_ call: String?) {
        state.withLock {
            $0.expected = call
            $0.answer = nil
        }
    }

    func post(_ answer: Result<WireReader, PluginFault>) {
        let isExpected = state.withLock { state in
            guard state.expected != nil, state.answer == nil else { return false }
            state.answer = answer
            return true
        }
        if isExpected { arrived.signal() }
    }

    /// Every request from now on fails with the first fault.
    ///
    /// - Returns: Whether somebody was waiting.
    @discardableResult
    func fail(_ fault: PluginFault) -> Bool {
        let waited = state.withLock { state in
            if state.fault == nil { state.fault = fault }
            guard state.expected != nil, state.answer == nil else { return false }
            state.answer = .failure(state.fault ?? fault)
            return true
        }
        if waited { arrived.signal() }
        return waited
    }

    func close() { state.withLock { $0.closing = true } }

    func wait(within seconds: Double) -> Result<WireReader, PluginFault>? {
        let deadline = monotonicNanoseconds() &+ UInt64(seconds * 1e9)
        while true {
            if let answer = state.withLock({ $0.answer }) { return answer }
            guard arrived.wait(until: deadline) else { return nil }
        }
    }
}

/// An instance that lives in an isolated plugin's process.
final class IsolatedInstance: HeadInstance, WorkerInstance, @unchecked Sendable {
    let library: String
    let workload: WorkloadDescription
    let abilities: Abilities
    private let plugin: IsolatedPlugin
    private let limits: CallLimits
    private let keepsPayloads: Bool
    private(set) var payloads: PayloadTable?
    private var payloadMemory: [UInt64: UnsafeMutableRawBufferPointer] = [:]
    /// The child gives up on the plugin after the limit; this much later the parent gives up on the child.
    private let margin = 5.0

    init(
        plugin: IsolatedPlugin,
        library: String,
        workload: WorkloadDescription,
        abilities: Abilities,
        limits: CallLimits,
        keepsPayloads: Bool
    ) {
        self.plugin = plugin
        self.keepsPayloads = keepsPayloads
        self.library = library
        self.workload = workload
        self.abilities = abilities
        self.limits = limits
    }

    deinit {
        for memory in payloadMemory.values { memory.deallocate() }
    }

    func prepare() throws { _ = try plugin.request(.prepare, call: "prepare", within: limits.work * 2 + margin) }

    func start(results sink: any ResponseSink) throws {
        plugin.deliver(to: sink)
        _ = try plugin.request(.start, call: "start", within: limits.control + margin)
    }

    // The child waits for issue and flush to return first.
    func stop() throws { _ = try plugin.request(.stop, call: "stop", within: limits.control * 2 + margin) }

    func destroy() throws {
        _ = try plugin.request(.destroy, call: "destroy", within: limits.control + margin)
        plugin.close()
    }

    func datasetSize() throws -> (total: UInt64, performance: UInt64) {
        var answer = try plugin.request(.datasetSize, call: "dataset.size", within: limits.work + margin)
        return (try answer.uint64(), try answer.uint64())
    }

    func load(_ indices: [UInt64]) throws {
        try send(.load, "dataset.load", indices)
        if keepsPayloads { try fetchPayloads(indices) }
    }

    func unload(_ indices: [UInt64]) throws {
        for index in indices {
            payloads?.remove(index)
            payloadMemory.removeValue(forKey: index)?.deallocate()
        }
        try send(.unload, "dataset.unload", indices)
    }

    /// Brings the payloads of loaded samples here, for the workers' processes.
    private func fetchPayloads(_ indices: [UInt64]) throws {
        let table = try payloads ?? PayloadTable(count: Int(clamping: datasetSize().total))
        payloads = table
        var left = indices[...]
        while !left.isEmpty {
            var content = WireWriter()
            content.put(Array(left.prefix(4096)))
            var answer = try plugin.request(
                .payloads,
                call: "dataset.payload",
                within: limits.work + margin,
                content.bytes
            )
            let count = min(Int(try answer.uint32()), left.count)
            guard count > 0 else { throw WireError(reason: "an answer without a payload") }
            for index in left.prefix(count) {
                let tokenCount = try answer.uint64()
                let bytes = try answer.content()
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
                memory.copyBytes(from: bytes)
                payloadMemory.updateValue(memory, forKey: index)?.deallocate()
                table.set(
                    index,
                    mlp_bytes(data: UnsafeRawPointer(memory.baseAddress), size: UInt64(bytes.count)),
                    tokenCount: tokenCount
                )
            }
            left = left.dropFirst(count)
        }
    }

    private func send(_ kind: FrameKind, _ call: String, _ indices: [UInt64]) throws {
        var content = WireWriter()
        content.put(indices)
        _ = try plugin.request(kind, call: call, within: limits.work + margin, content.bytes)
    }

    func warmUp() throws { _ = try plugin.request(.warmUp, call: "warm_up", within: limits.work + margin) }
    func reserve(samplesPerQuery: Int, sampleCount: Int) throws {}

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        var content = WireWriter()
        for sample in samples {
            content.put(sample.id)
            content.put(sample.index)
        }
        try plugin.tell(.issue, content.bytes)
    }

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>, payloads: PayloadTable) throws {
        var content = WireWriter()
        for sample in samples {
            guard let entry = payloads[sample.index] else {
                throw PluginFault(
                    .failed,
                    library: library,
                    call: "issue",
                    reason: "sample \(sample.index) is not loaded"
                )
            }
            content.put(sample.id)
            content.put(sample.index)
            content.put(entry.tokenCount)
            content.put(UnsafeRawBufferPointer(start: entry.payload.data, count: Int(entry.payload.size)))
        }
        try plugin.tell(.issueWithPayloads, content.bytes)
    }

    func flush() throws { try plugin.tell(.flush, []) }

    func cancel(_ ids: UnsafeBufferPointer<UInt64>) {
        var content = WireWriter()
        content.put(Array(ids))
        try? plugin.tell(.cancel, content.bytes)
    }

    func beginAccuracy() throws {
        _ = try plugin.request(.beginAccuracy, call: "accuracy.begin", within: limits.work + margin)
    }

    func addResponses(_ entries: [AccuracyEntry]) throws {
        var content = WireWriter()
        for entry in entries {
            content.put(entry.index)
            content.put(entry.tokenCount)
            content.put(entry.data)
        }
        _ = try plugin.request(.addResponses, call: "accuracy.add", within: limits.work + margin, content.bytes)
    }

    func finishAccuracy() throws -> AccuracyVerdict {
        var answer = try plugin.request(.finishAccuracy, call: "accuracy.finish", within: limits.work + margin)
        return AccuracyVerdict(
            passed: try answer.uint32() == 1,
            text: try answer.string(),
            metrics: try answer.string()
        )
    }

    func encode(_ text: [UInt8]) throws -> [UInt32] {
        var content = WireWriter()
        content.put(text)
        var answer = try plugin.request(
            .encode,
            call: "tokenizer.encode",
            within: limits.control + margin,
            content.bytes
        )
        return try answer.uint32s()
    }

    func decode(_ tokens: [UInt32]) throws -> [UInt8] {
        var content = WireWriter()
        content.put(tokens)
        var answer = try plugin.request(
            .decode,
            call: "tokenizer.decode",
            within: limits.control + margin,
            content.bytes
        )
        return try answer.content()
    }

    func onFault(_ handler: @escaping @Sendable (PluginFault) -> Void) { plugin.onFault(handler) }
}

extension PluginFault {
    init(from content: inout WireReader) throws {
        let kind = Kind(rawValue: try content.string()) ?? .failed
        self.init(
            kind,
            library: try content.string(),
            call: try content.string(),
            status: try content.int32(),
            reason: try content.string()
        )
    }

    var frame: [UInt8] {
        var content = WireWriter()
        content.put(kind.rawValue)
        content.put(library)
        content.put(call)
        content.put(status)
        content.put(reason)
        return content.bytes
    }
}
