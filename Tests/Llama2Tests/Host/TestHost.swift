import CPluginAPI
import Dispatch
import Glibc
import Kernels

/// A host of the tests' own: it executes twins directly, one stream at a time, and keeps what the plugin reports.
///
/// It stands in for the real one, so that these tests need nothing but the plugin and its kernels, and can look at every
/// launch as it happens.
final class TestHost: @unchecked Sendable {
    /// A sample's fate.
    struct Outcome {
        var firstToken: Int32?
        var tokens: [Int32] = []
        var status: mlp_status?
        /// Order of events across all samples, from 1.
        var firstTokenOrder = 0
        var completionOrder = 0
    }

    /// Every launch is cut into so many ranges of blocks, which run on as many threads.
    var threads = 1
    /// Called after every launch that is executed, with the kernel and its argument words.
    var tap: ((podium_kernel, LaunchArguments) -> Void)?
    /// Every so many device operations, one fails; 0 for never.
    var failAfter = 0
    /// Executes what a stream is given when somebody waits for it and no earlier, as late as the contract allows.
    var isLazy = false
    /// What the device says is free, in bytes.
    var freeMemory: UInt64 = 1 << 30
    /// Whether reports are kept at all; switched off where allocations are counted.
    var keepsOutcomes = true

    private(set) var table: UnsafeMutablePointer<mlp_host>
    private let samplesTable: UnsafeMutablePointer<mlp_samples>
    private let deviceTable: UnsafeMutablePointer<mlp_device>
    private let launchTable: UnsafeMutablePointer<mlp_launch>
    private let poolTable: UnsafeMutablePointer<mlp_pool>

    private let lock = Gate()
    private var outcomes: [mlp_sample_id: Outcome] = [:]
    private var events = 0
    private var completions = 0
    private(set) var messages: [String] = []
    private(set) var reason = ""
    private var recording: TestRecording?
    private var queued: [QueuedWork] = []
    /// Steps that had been queued when an event was waited for, the most of all times.
    private(set) var mostReplaysQueued = 0
    /// Steps that are queued; for the engine's own thread, or when it is not running.
    var replaysQueued: Int { queued.count { if case .replay = $0 { true } else { false } } }
    /// Device operations so far.
    var operationCount: Int { operations }
    private(set) var liveAllocations = 0
    private var operations = 0
    /// Called with each first token as it is reported, outside the lock.
    var onFirstToken: ((mlp_sample_id) -> Void)?

    init() {
        table = .allocate(capacity: 1)
        samplesTable = .allocate(capacity: 1)
        deviceTable = .allocate(capacity: 1)
        launchTable = .allocate(capacity: 1)
        poolTable = .allocate(capacity: 1)
        fillTables()
    }

    deinit {
        table.deallocate()
        samplesTable.deallocate()
        deviceTable.deallocate()
        launchTable.deallocate()
        poolTable.deallocate()
    }

    static func of(_ host: UnsafePointer<mlp_host>?) -> TestHost {
        Unmanaged<TestHost>.fromOpaque(host!.pointee.impl).takeUnretainedValue()
    }

    // MARK: What tests ask

    /// Waits until so many samples have completed in all.
    func wait(completions wanted: Int, seconds: Double = 60) -> Bool {
        lock.wait(seconds: seconds) { self.completions >= wanted }
    }

    func outcome(_ id: mlp_sample_id) -> Outcome { lock.locked { outcomes[id] ?? Outcome() } }
    var completionCount: Int { lock.locked { completions } }
    var allMessages: [String] { lock.locked { messages } }

    // MARK: What the plugin calls

    func note(_ results: UnsafePointer<mlp_result>?, _ count: UInt64, first: Bool) -> mlp_status {
        guard keepsOutcomes else {
            lock.locked { if !first { completions += Int(count) } }
            lock.signal()
            return mlp_status(MLP_OK)
        }
        var status = mlp_status(MLP_OK)
        lock.locked {
            for result in UnsafeBufferPointer(start: results, count: Int(count)) {
                events += 1
                var outcome = outcomes[result.id] ?? Outcome()
                let tokens = Array(
                    UnsafeBufferPointer(
                        start: result.data.data?.assumingMemoryBound(to: Int32.self),
                        count: Int(result.data.size) / 4
                    )
                )
                if outcome.status != nil || (first && outcome.firstToken != nil) {
                    status = mlp_status(MLP_ALREADY_COMPLETE)
                } else if first {
                    outcome.firstToken = tokens.first
                    outcome.firstTokenOrder = events
                } else {
                    outcome.status = result.status
                    outcome.tokens = tokens
                    outcome.completionOrder = events
                    completions += 1
                    if Int(result.token_count) != tokens.count { status = mlp_status(MLP_INVALID_ARGUMENT) }
                }
                outcomes[result.id] = outcome
                if status != mlp_status(MLP_OK) { messages.append("bad report of sample \(result.id): \(status)") }
            }
        }
        lock.signal()
        if first, let onFirstToken {
            for result in UnsafeBufferPointer(start: results, count: Int(count)) { onFirstToken(result.id) }
        }
        return status
    }

    private func countOperation() -> mlp_status {
        operations += 1
        return failAfter > 0 && operations >= failAfter ? mlp_status(MLP_DEVICE_ERROR) : mlp_status(MLP_OK)
    }

    /// Executes an operation now, or keeps it while the stream records.
    fileprivate func submit(_ operation: TestRecording.Operation) -> mlp_status {
        if let recording {
            recording.operations.append(operation)
            return mlp_status(MLP_OK)
        }
        if isLazy { queued.append(.operation(operation)) } else { execute(operation) }
        return countOperation()
    }

    fileprivate func mark(_ event: TestEvent) -> mlp_status {
        if isLazy { queued.append(.mark(event)) }
        return countOperation()
    }

    /// Executes what is queued up to the mark of an event, or everything.
    fileprivate func executeQueued(upTo event: TestEvent?) -> mlp_status {
        if !queued.isEmpty {
            mostReplaysQueued = max(mostReplaysQueued, replaysQueued)
            let last = queued.lastIndex { if case .mark(let marked) = $0 { marked === event } else { false } }
            let count = event == nil ? queued.count : last.map { $0 + 1 } ?? 0
            for work in queued[..<count] {
                switch work {
                case .operation(let operation): execute(operation)
                case .replay(let recording): for operation in recording.operations { execute(operation) }
                case .mark: break
                }
            }
            queued.removeFirst(count)
        }
        return countOperation()
    }

    private func execute(_ operation: TestRecording.Operation) {
        switch operation.kind {
        case .copy:
            memcpy(operation.to!, operation.from!, operation.size)
        case .fill:
            memset(operation.to!, CInt(operation.size >> 32), operation.size & 0xffff_ffff)
        case .launch:
            let arguments = LaunchArguments(words: UnsafePointer(operation.words))
            let grid = operation.grid
            let blocks = UInt64(grid.blocks.0) * UInt64(grid.blocks.1) * UInt64(grid.blocks.2)
            if threads == 1 {
                arguments.run(operation.kernel, grid, 0, blocks)
            } else {
                let ranges = UInt64(threads)
                let kernel = operation.kernel
                DispatchQueue.concurrentPerform(iterations: threads) { index in
                    let first = blocks * UInt64(index) / ranges
                    let last = blocks * UInt64(index + 1) / ranges
                    if last > first { arguments.run(kernel, grid, first, last) }
                }
            }
            tap?(operation.kernel, arguments)
        }
    }

    fileprivate func replay(_ recording: TestRecording) -> mlp_status {
        if isLazy {
            queued.append(.replay(recording))
            return countOperation()
        }
        for index in recording.operations.indices { execute(recording.operations[index]) }
        return countOperation()
    }

    // MARK: Tables

    private func fillTables() {
        table.initialize(
            to: mlp_host(
                struct_size: UInt32(MemoryLayout<mlp_host>.size),
                abi_minor: MLP_ABI_MINOR,
                impl: Unmanaged.passUnretained(self).toOpaque(),
                name: nil,
                version: nil,
                service: { host, id in
                    let testHost = TestHost.of(host)
                    switch id.map({ String(cString: $0) }) {
                    case MLP_SAMPLES: return UnsafeRawPointer(testHost.samplesTable)
                    case MLP_DEVICE: return UnsafeRawPointer(testHost.deviceTable)
                    case MLP_LAUNCH: return UnsafeRawPointer(testHost.launchTable)
                    case MLP_POOL: return UnsafeRawPointer(testHost.poolTable)
                    default: return nil
                    }
                },
                log: { host, _, message in
                    let testHost = TestHost.of(host)
                    testHost.lock.locked { testHost.messages.append(String(cString: message!)) }
                },
                fail: { host, status, message in
                    let testHost = TestHost.of(host)
                    testHost.lock.locked { testHost.reason = String(cString: message!) }
                    return status
                }
            )
        )
        samplesTable.initialize(
            to: mlp_samples(
                struct_size: UInt32(MemoryLayout<mlp_samples>.size),
                reserved: 0,
                first_token: { TestHost.of($0).note($1, $2, first: true) },
                complete: { TestHost.of($0).note($1, $2, first: false) }
            )
        )
        poolTable.initialize(
            to: mlp_pool(
                struct_size: UInt32(MemoryLayout<mlp_pool>.size),
                reserved: 0,
                threads: { _ in 1 },
                parallel_for: { _, count, body, context in
                    for index in 0..<count { body?(context, index) }
                    return mlp_status(MLP_OK)
                }
            )
        )
        fillDeviceTable()
        fillLaunchTable()
    }

    private func fillDeviceTable() {
        deviceTable.initialize(
            to: mlp_device(
                struct_size: UInt32(MemoryLayout<mlp_device>.size),
                reserved: 0,
                count: { _ in 1 },
                properties: { _, _, out in
                    out?.pointee.kind = Int32(MLP_DEVICE_CPU)
                    return mlp_status(MLP_OK)
                },
                free_memory: { host, _, bytes in
                    bytes?.pointee = TestHost.of(host).freeMemory
                    return mlp_status(MLP_OK)
                },
                alloc: { host, _, size, out in TestHost.of(host).allocate(size, out) },
                free: { host, _, memory in TestHost.of(host).release(memory) },
                alloc_pinned: { host, size, out in TestHost.of(host).allocate(size, out) },
                free_pinned: { host, memory in TestHost.of(host).release(memory) },
                stream_create: { host, _, out in
                    out?.pointee = OpaquePointer(TestHost.of(host).table)
                    return mlp_status(MLP_OK)
                },
                stream_release: { _, _ in },
                native: { _, _ in nil },
                copy: { host, _, to, from, size in
                    TestHost.of(host).submit(TestRecording.Operation(copy: to!, from!, Int(size)))
                },
                fill: { host, _, to, value, size in
                    TestHost.of(host).submit(TestRecording.Operation(fill: to!, value, Int(size)))
                },
                event_create: { host, _, out in
                    let testHost = TestHost.of(host)
                    testHost.lock.locked { testHost.liveAllocations += 1 }
                    out?.pointee = OpaquePointer(Unmanaged.passRetained(TestEvent()).toOpaque())
                    return mlp_status(MLP_OK)
                },
                event_release: { host, event in
                    let testHost = TestHost.of(host)
                    testHost.lock.locked { testHost.liveAllocations -= 1 }
                    Unmanaged<TestEvent>.fromOpaque(UnsafeRawPointer(event!)).release()
                },
                event_record: { host, _, event in
                    Unmanaged<TestEvent>.fromOpaque(UnsafeRawPointer(event!))
                        ._withUnsafeGuaranteedRef { TestHost.of(host).mark($0) }
                },
                event_wait: { _, _, _ in mlp_status(MLP_UNSUPPORTED) },
                synchronize: { host, _ in TestHost.of(host).executeQueued(upTo: nil) },
                notify: { _, _, _, _ in mlp_status(MLP_UNSUPPORTED) },
                event_synchronize: { host, event in
                    Unmanaged<TestEvent>.fromOpaque(UnsafeRawPointer(event!))
                        ._withUnsafeGuaranteedRef { TestHost.of(host).executeQueued(upTo: $0) }
                },
                event_elapsed: { _, _, _, _ in mlp_status(MLP_UNSUPPORTED) }
            )
        )
    }

    private func fillLaunchTable() {
        launchTable.initialize(
            to: mlp_launch(
                struct_size: UInt32(MemoryLayout<mlp_launch>.size),
                reserved: 0,
                launch: { host, _, kernel, grid, args, count in
                    TestHost.of(host).submit(TestRecording.Operation(launch: kernel, grid!.pointee, args!, Int(count)))
                },
                record_begin: { host, _ in
                    TestHost.of(host).recording = TestRecording()
                    return mlp_status(MLP_OK)
                },
                record_end: { host, _, out in
                    let testHost = TestHost.of(host)
                    out?.pointee = OpaquePointer(Unmanaged.passRetained(testHost.recording!).toOpaque())
                    testHost.recording = nil
                    return mlp_status(MLP_OK)
                },
                replay: { host, _, recording in
                    let recording = Unmanaged<TestRecording>.fromOpaque(UnsafeRawPointer(recording!))
                    return recording._withUnsafeGuaranteedRef { TestHost.of(host).replay($0) }
                },
                recording_release: { _, recording in
                    Unmanaged<TestRecording>.fromOpaque(UnsafeRawPointer(recording!)).release()
                }
            )
        )
    }

    private func allocate(_ size: UInt64, _ out: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> mlp_status {
        guard size < 1 << 33 else { return mlp_status(MLP_OUT_OF_MEMORY) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Int(size), alignment: 256)
        // All ones are a NaN in every float type and an index that no table has.
        memory.initializeMemory(as: UInt8.self, repeating: 0xff, count: Int(size))
        lock.locked { liveAllocations += 1 }
        out?.pointee = memory
        return mlp_status(MLP_OK)
    }

    private func release(_ memory: UnsafeMutableRawPointer?) {
        memory?.deallocate()
        lock.locked { liveAllocations -= 1 }
    }
}

/// A mark in the stream.
private final class TestEvent {}

/// What a lazy stream has been given.
private enum QueuedWork {
    case operation(TestRecording.Operation)
    case replay(TestRecording)
    case mark(TestEvent)
}

/// Operations to be replayed.
final class TestRecording {
    struct Operation {
        enum Kind { case copy, fill, launch }
        var kind: Kind
        var to: UnsafeMutableRawPointer?
        var from: UnsafeRawPointer?
        var size = 0
        var kernel = PODIUM_EMBEDDING
        var grid = mlp_grid()
        /// The arguments, one to a word; never freed, because a test's recordings are few.
        var words: UnsafeMutablePointer<UInt64>

        nonisolated(unsafe) private static let none = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

        init(copy to: UnsafeMutableRawPointer, _ from: UnsafeRawPointer, _ size: Int) {
            kind = .copy
            self.to = to
            self.from = from
            self.size = size
            words = Self.none
        }

        init(fill to: UnsafeMutableRawPointer, _ value: UInt8, _ size: Int) {
            kind = .fill
            self.to = to
            self.size = Int(value) << 32 | size
            words = Self.none
        }

        init(
            launch kernel: UInt32,
            _ grid: mlp_grid,
            _ arguments: UnsafePointer<UnsafeRawPointer?>,
            _ count: Int
        ) {
            kind = .launch
            self.kernel = podium_kernel(kernel)
            self.grid = grid
            words = .allocate(capacity: count)
            var kernels: UInt32 = 0
            let signature = String(cString: podium_kernels(&kernels)[Int(kernel)].signature)
            precondition(signature.utf8.count == count, "\(count) arguments for \(signature)")
            for (index, letter) in signature.utf8.enumerated() {
                let wide = letter == UInt8(ascii: "p") || letter == UInt8(ascii: "l") || letter == UInt8(ascii: "d")
                words[index] =
                    wide
                    ? arguments[index]!.loadUnaligned(as: UInt64.self)
                    : UInt64(arguments[index]!.loadUnaligned(as: UInt32.self))
            }
        }
    }

    var operations: [Operation] = []
}

/// A mutex with a condition.
final class Gate: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    func signal() { pthread_cond_broadcast(condition) }

    func wait(seconds: Double, until satisfied: () -> Bool) -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        end.tv_sec += Int(seconds)
        return locked {
            while !satisfied() {
                if pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT { return satisfied() }
            }
            return true
        }
    }
}
