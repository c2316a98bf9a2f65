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
    private let log: HostContext.LogHandler
    private let mailbox = Mailbox()
    private let sink = Mutex<(any ResponseSink)?>(nil)
    private let faultHandler = Mutex<(@Sendable (PluginFault) -> Void)?>(nil)
    private let requesting = Mutex<Void>(())

    /// Starts the child.  Nothing of the library runs before `open`.
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
            descriptors: [(pair[1], PluginProcess.descriptor), (STDERR_FILENO, STDOUT_FILENO)]
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
    func tell(_ kind: FrameKind, _ content: [UInt8]) throws {
        if let fault = mailbox.fault { throw fault }
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
        case .firstToken, .complete:
            let sink = sink.withLock { $0 }
            while !content.isAtEnd {
                let id = try content.uint64()
                let status = try content.int32()
                let tokenCount = try content.uint64()
                let data = try content.content()
                data.withUnsafeBytes { data in
                    var result = mlp_result(
                        id: id,
                        status: status,
                        reserved: 0,
                        data: mlp_bytes(data: data.baseAddress, size: UInt64(data.count)),
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
        let call = mailbox.expected ?? "running"
        let ending: PluginFault
        if let reason {
            child.kill()
            _ = child.wait(within: 5)
            ending = PluginFault(.contract, library: name, call: call, reason: reason)
        } else if let end = child.wait(within: 1) {
            let hint: String
            switch end {
            case .exited(let status): hint = status == 0 ? "; the plugin must not end the process" : ""
            case .signalled: hint = ""
            }
            ending = PluginFault(.crash, library: name, call: call, reason: "its process ended with \(end)\(hint)")
        } else {
            child.kill()
            _ = child.wait(within: 5)
            ending = PluginFault(.contract, library: name, call: call, reason: "it closed its connection to the host")
        }
        if mailbox.isClosing { return }
        report(ending)
    }

    private func report(_ fault: PluginFault) {
        let isWaitedFor = mailbox.fail(fault)
        if let handler = faultHandler.withLock({ $0 }) {
            handler(fault)
        } else if !isWaitedFor {
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

    /// Every request from now on fails with the first fault.  Returns whether somebody was waiting.
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
final class IsolatedInstance: PluginInstance, @unchecked Sendable {
    let library: String
    let workload: WorkloadDescription
    let abilities: Abilities
    private let plugin: IsolatedPlugin
    private let limits: CallLimits
    private var frame = WireWriter()

    init(
        plugin: IsolatedPlugin,
        library: String,
        workload: WorkloadDescription,
        abilities: Abilities,
        limits: CallLimits
    ) {
        self.plugin = plugin
        self.library = library
        self.workload = workload
        self.abilities = abilities
        self.limits = limits
    }

    func prepare() throws { _ = try plugin.request(.prepare, call: "prepare", within: limits.work * 2) }

    func start(results sink: any ResponseSink) throws {
        plugin.deliver(to: sink)
        _ = try plugin.request(.start, call: "start", within: limits.control)
    }

    func stop() throws { _ = try plugin.request(.stop, call: "stop", within: limits.control) }

    func destroy() throws {
        _ = try plugin.request(.destroy, call: "destroy", within: limits.control)
        plugin.close()
    }

    func datasetSize() throws -> (total: UInt64, performance: UInt64) {
        var answer = try plugin.request(.datasetSize, call: "dataset.size", within: limits.work)
        return (try answer.uint64(), try answer.uint64())
    }

    func load(_ indices: [UInt64]) throws { try send(.load, "dataset.load", indices) }
    func unload(_ indices: [UInt64]) throws { try send(.unload, "dataset.unload", indices) }

    private func send(_ kind: FrameKind, _ call: String, _ indices: [UInt64]) throws {
        var content = WireWriter()
        content.put(indices)
        _ = try plugin.request(kind, call: call, within: limits.work, content.bytes)
    }

    func warmUp() throws { _ = try plugin.request(.warmUp, call: "warm_up", within: limits.work) }
    func reserve(samplesPerQuery: Int) throws {}

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        var content = WireWriter()
        for sample in samples {
            content.put(sample.id)
            content.put(sample.index)
        }
        try plugin.tell(.issue, content.bytes)
    }

    func flush() throws { try plugin.tell(.flush, []) }

    func cancel(_ ids: UnsafeBufferPointer<UInt64>) {
        var content = WireWriter()
        content.put(Array(ids))
        try? plugin.tell(.cancel, content.bytes)
    }

    func beginAccuracy() throws { _ = try plugin.request(.beginAccuracy, call: "accuracy.begin", within: limits.work) }

    func addResponses(_ entries: [AccuracyEntry]) throws {
        var content = WireWriter()
        for entry in entries {
            content.put(entry.index)
            content.put(entry.tokenCount)
            content.put(entry.data)
        }
        _ = try plugin.request(.addResponses, call: "accuracy.add", within: limits.work, content.bytes)
    }

    func finishAccuracy() throws -> AccuracyVerdict {
        var answer = try plugin.request(.finishAccuracy, call: "accuracy.finish", within: limits.work)
        return AccuracyVerdict(
            passed: try answer.uint32() == 1,
            text: try answer.string(),
            metrics: try answer.string()
        )
    }

    func encode(_ text: [UInt8]) throws -> [UInt32] {
        var content = WireWriter()
        content.put(text)
        var answer = try plugin.request(.encode, call: "tokenizer.encode", within: limits.control, content.bytes)
        return try answer.uint32s()
    }

    func decode(_ tokens: [UInt32]) throws -> [UInt8] {
        var content = WireWriter()
        content.put(tokens)
        var answer = try plugin.request(.decode, call: "tokenizer.decode", within: limits.control, content.bytes)
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
