import CPlatform
import Glibc
import Synchronization

/// Threads that share out the indices of a loop.
///
/// The caller of a loop takes part in it.  A loop is cut into ranges; who is free takes the next, so that a thread which
/// wakes late, or which the system has taken away, delays nobody by more than the range it holds.  Nobody waits for a
/// sleeping thread: if the caller is done before it wakes, the loop is done.  Starting a loop allocates nothing, and
/// with one thread it synchronises nothing.
///
/// One loop runs at a time; callers on other threads queue up.
public final class ThreadPool: @unchecked Sendable {
    /// A piece of a loop: the indices `first..<last`.
    public typealias RangeBody =
        @convention(c) (_ context: UnsafeRawPointer?, _ first: UInt64, _ last: UInt64) -> Void

    /// How a loop is cut.
    public enum Cut: Sendable {
        /// Into four equal ranges for each thread: for indices that may cost very different times.
        case equal
        /// Into a long range for each thread, which together make three quarters of the loop, then a short one for each:
        /// for indices of like cost and a body that prepares something for its range, which then happens half as often.
        case longThenShort
    }

    /// How many threads share the work, the caller among them.
    public let threadCount: Int

    private let state: PoolState
    private var threads: [pthread_t] = []

    /// How many CPUs this process may run on.
    public static var usableCPUs: Int { Int(podium_usable_cpus()) }

    /// How long a thread looks out for the next loop before it goes to sleep, unless told otherwise.
    ///
    /// Long enough to bridge what an engine does between two steps, short enough not to be seen in a CPU's load.
    public static let defaultSpinNanoseconds: UInt64 = 50_000

    /// Starts the pool's threads.
    ///
    /// - Parameters:
    ///   - threads: threads in all, the caller of a loop among them; `nil` for one per usable CPU.  Clamped to 1...4096.
    ///   - spinNanoseconds: how long an idle thread looks out for work before it sleeps.  With more threads than CPUs
    ///     it is taken as 0, because then looking out takes the CPU from who works.
    ///   - pinned: binds each started thread to a CPU of its own.
    public init(threads: Int? = nil, spinNanoseconds: UInt64 = ThreadPool.defaultSpinNanoseconds, pinned: Bool = false)
    {
        let usable = ThreadPool.usableCPUs
        let wanted = min(max(threads ?? usable, 1), 4096)
        state = PoolState(spinNanoseconds: wanted > usable ? 0 : spinNanoseconds)
        var started: [pthread_t] = []
        for index in 1..<max(wanted, 1) {
            let start = WorkerStart(state: state, index: UInt32(index), pinned: pinned)
            var thread = pthread_t()
            let argument = Unmanaged.passRetained(start)
            guard pthread_create(&thread, nil, { runWorker($0) }, argument.toOpaque()) == 0 else {
                argument.release()
                break  // Fewer threads than asked for, said by threadCount.
            }
            started.append(thread)
        }
        self.threads = started
        threadCount = started.count + 1
    }

    deinit {
        state.stopping.pointee.store(1, ordering: .sequentiallyConsistent)
        state.wake.pointee.add(1, ordering: .sequentiallyConsistent)
        _ = podium_futex_wake(state.wake, Int32.max)
        for thread in threads { pthread_join(thread, nil) }
        state.deallocate()
    }

    /// Whether the calling thread is inside the body of some pool's loop, where no other loop may be started.
    public static var isInsideBody: Bool { podium_thread_work() != nil }

    /// Runs `body` over `0..<count`, cut into ranges, and returns when all of them are done.
    ///
    /// Inside a body it runs on the calling thread alone.
    public func run(count: UInt64, context: UnsafeRawPointer?, cut: Cut = .equal, body: RangeBody) {
        if threadCount == 1 || count <= 1 || podium_thread_work() != nil {
            runAlone(count: count, context: context, body: body)
            return
        }
        acquire()
        runShared(count: count, context: context, cut: cut, body: body)
        release()
    }

    /// Calls `body` once for each index of `0..<count`, on any of the threads.
    public func forEach(_ count: Int, _ body: (Int) -> Void) {
        guard count > 0 else { return }
        withoutActuallyEscaping(body) { escapable in
            withUnsafePointer(to: escapable) { pointer in
                run(count: UInt64(count), context: UnsafeRawPointer(pointer)) { context, first, last in
                    guard let body = context?.assumingMemoryBound(to: ((Int) -> Void).self) else { return }
                    for index in first..<last { body.pointee(Int(index)) }
                }
            }
        }
    }

    // MARK: Parts that a replay uses one by one

    /// Takes the pool for a sequence of loops.
    @inline(__always)
    func acquire() {
        let lock = state.lock
        if lock.pointee.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged { return }
        // 2 says that somebody may be asleep.
        while lock.pointee.exchange(2, ordering: .acquiring) != 0 { _ = podium_futex_wait(lock, 2, -1) }
    }

    @inline(__always)
    func release() {
        if state.lock.pointee.exchange(0, ordering: .releasing) == 2 { _ = podium_futex_wake(state.lock, 1) }
    }

    /// A loop on the calling thread alone.
    @inline(__always)
    func runAlone(count: UInt64, context: UnsafeRawPointer?, body: RangeBody) {
        guard count > 0 else { return }
        let outer = podium_thread_work()
        podium_set_thread_work(UnsafeRawPointer(state.word))
        body(context, 0, count)
        podium_set_thread_work(outer)
    }

    /// A loop of more than one index on all threads, by a caller who holds the pool.
    @inline(__always)
    func runShared(count: UInt64, context: UnsafeRawPointer?, cut: Cut, body: RangeBody) {
        let state = self.state
        let job = PoolJob(body: body, context: context, count: count, threads: UInt64(threadCount), cut: cut)
        let ranges = job.ranges
        state.job.pointee = job
        state.finished.pointee.store(0, ordering: .relaxed)
        // Range 0 is the caller's.
        state.word.pointee.store(PoolState.word(ranges: ranges, next: 1), ordering: .sequentiallyConsistent)
        if state.sleepers.pointee.load(ordering: .sequentiallyConsistent) != 0 {
            state.wakeSleepers(atMost: Int32(ranges) &- 1)
        }
        podium_set_thread_work(UnsafeRawPointer(state.word))
        state.job.pointee.runRange(0)
        let own = 1 &+ state.takeRanges()
        podium_set_thread_work(nil)
        if own != ranges { state.awaitOthers(ranges &- own) }
    }
}

/// One loop, cut into ranges: first the long ones, if there are any, then the short ones.
private struct PoolJob {
    private let body: ThreadPool.RangeBody
    private let context: UnsafeRawPointer?
    private let count: UInt64
    private let longRanges: UInt64
    private let longLength: UInt64
    let ranges: UInt32

    @inline(__always)
    init(
        body: @escaping ThreadPool.RangeBody,
        context: UnsafeRawPointer?,
        count: UInt64,
        threads: UInt64,
        cut: ThreadPool.Cut
    ) {
        self.body = body
        self.context = context
        self.count = count
        // Of fewer than four indices for each thread every one is a range.
        let quarter = cut == .longThenShort ? count / (threads &* 4) : 0
        longLength = quarter &* 3
        longRanges = quarter > 0 ? threads : 0
        ranges = UInt32(truncatingIfNeeded: quarter > 0 ? threads &* 2 : min(count, threads &* 4))
    }

    /// The short ranges differ in length by one index at most.
    @inline(__always)
    func runRange(_ index: UInt32) {
        let index = UInt64(index)
        if index < longRanges {
            body(context, index &* longLength, (index &+ 1) &* longLength)
            return
        }
        let start = longRanges &* longLength
        let (length, longer) = (count &- start).quotientAndRemainder(dividingBy: UInt64(ranges) &- longRanges)
        let place = index &- longRanges
        let first = start &+ place &* length &+ min(place, longer)
        body(context, first, first &+ length &+ (place < longer ? 1 : 0))
    }
}

/// What the threads share, each word on a cache line of its own so that waiting for one disturbs no other.
///
/// `word` holds the number of ranges of the current loop (upper half) and the next one that nobody has taken (lower
/// half).  A range is taken by adding 1 to it.  Whoever takes a range of a loop keeps that loop open until it says so
/// in `finished`, so that `job` stays as it is while anybody may read it.  Adding 1 when nothing is left does no harm.
private struct PoolState: @unchecked Sendable {
    let word: UnsafeMutablePointer<Atomic<UInt64>>
    let job: UnsafeMutablePointer<PoolJob>
    /// Ranges finished by others than the caller.
    let finished: UnsafeMutablePointer<Atomic<UInt32>>
    /// Whether the caller sleeps on `finished`.
    let callerAsleep: UnsafeMutablePointer<Atomic<UInt32>>
    /// Changes whenever sleepers must look again.
    let wake: UnsafeMutablePointer<Atomic<UInt32>>
    let sleepers: UnsafeMutablePointer<Atomic<UInt32>>
    let stopping: UnsafeMutablePointer<Atomic<UInt32>>
    /// 0 free, 1 taken, 2 taken and others may sleep on it.
    let lock: UnsafeMutablePointer<Atomic<UInt32>>
    let spinNanoseconds: UInt64
    private let memory: UnsafeMutableRawPointer

    private static let line = 128  // Cores fetch lines of 64 bytes in pairs.

    init(spinNanoseconds: UInt64) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 8 * Self.line, alignment: Self.line)
        self.memory = memory
        func word32(_ slot: Int, _ offset: Int = 0) -> UnsafeMutablePointer<Atomic<UInt32>> {
            let word = (memory + slot * Self.line + offset).bindMemory(to: Atomic<UInt32>.self, capacity: 1)
            word.initialize(to: Atomic(0))
            return word
        }
        word = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        word.initialize(to: Atomic(0))
        job = (memory + Self.line).bindMemory(to: PoolJob.self, capacity: 1)
        job.initialize(to: PoolJob(body: { _, _, _ in }, context: nil, count: 0, threads: 1, cut: .equal))
        finished = word32(2)
        callerAsleep = word32(2, 8)
        wake = word32(3)
        sleepers = word32(4)
        stopping = word32(4, 8)
        lock = word32(5)
        self.spinNanoseconds = spinNanoseconds
    }

    func deallocate() { memory.deallocate() }

    @inline(__always)
    static func word(ranges: UInt32, next: UInt32) -> UInt64 { UInt64(ranges) << 32 | UInt64(next) }

    @inline(__always)
    static func hasRange(_ word: UInt64) -> Bool { UInt32(truncatingIfNeeded: word) < UInt32(word >> 32) }

    /// Runs ranges until none is left; returns how many it ran.
    @inline(__always)
    func takeRanges() -> UInt32 {
        var taken: UInt32 = 0
        while Self.hasRange(word.pointee.load(ordering: .relaxed)) {
            let ticket = word.pointee.add(1, ordering: .acquiringAndReleasing).oldValue
            guard Self.hasRange(ticket) else { break }
            job.pointee.runRange(UInt32(truncatingIfNeeded: ticket))
            taken &+= 1
        }
        return taken
    }

    @inline(never)
    func wakeSleepers(atMost count: Int32) {
        wake.pointee.add(1, ordering: .sequentiallyConsistent)
        _ = podium_futex_wake(wake, count)
    }

    /// Waits until others have finished `count` ranges.
    @inline(__always)
    func awaitOthers(_ count: UInt32) {
        for _ in 0..<64 {
            if finished.pointee.load(ordering: .acquiring) == count { return }
            podium_cpu_pause()
        }
        awaitOthersLonger(count)
    }

    @inline(never)
    private func awaitOthersLonger(_ count: UInt32) {
        var spin = Spin(nanoseconds: spinNanoseconds)
        while spin.goesOn() {
            if finished.pointee.load(ordering: .acquiring) == count { return }
        }
        callerAsleep.pointee.store(1, ordering: .sequentiallyConsistent)
        while true {
            let seen = finished.pointee.load(ordering: .sequentiallyConsistent)
            if seen == count { break }
            _ = podium_futex_wait(finished, seen, -1)
        }
        callerAsleep.pointee.store(0, ordering: .relaxed)
    }

    /// A worker's life: take what there is, look out a while, sleep.
    func work() {
        podium_set_thread_work(UnsafeRawPointer(word))
        while stopping.pointee.load(ordering: .acquiring) == 0 {
            let taken = takeRanges()
            if taken > 0 {
                finished.pointee.add(taken, ordering: .sequentiallyConsistent)
                if callerAsleep.pointee.load(ordering: .sequentiallyConsistent) != 0 {
                    _ = podium_futex_wake(finished, 1)
                }
            }
            var spin = Spin(nanoseconds: spinNanoseconds)
            var found = false
            while !found && spin.goesOn() { found = Self.hasRange(word.pointee.load(ordering: .relaxed)) }
            if !found { sleep() }
        }
    }

    private func sleep() {
        let seen = wake.pointee.load(ordering: .acquiring)
        sleepers.pointee.add(1, ordering: .sequentiallyConsistent)
        // A loop that started before the line above may not have seen this sleeper: look once more.
        if !Self.hasRange(word.pointee.load(ordering: .sequentiallyConsistent)),
            stopping.pointee.load(ordering: .sequentiallyConsistent) == 0
        {
            _ = podium_futex_wait(wake, seen, -1)
        }
        sleepers.pointee.subtract(1, ordering: .sequentiallyConsistent)
    }
}

/// A spin loop with a time limit, which reads the clock once in 32 rounds.
private struct Spin {
    private let nanoseconds: UInt64
    private var rounds: UInt32 = 0
    private var end: UInt64 = 0

    init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    @inline(__always)
    mutating func goesOn() -> Bool {
        rounds &+= 1
        if rounds & 31 == 1 {
            let now = monotonicNanoseconds()
            if rounds == 1 { end = now &+ nanoseconds }
            if now >= end { return false }
        }
        podium_cpu_pause()
        return true
    }

    private func monotonicNanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
    }
}

private final class WorkerStart {
    let state: PoolState
    let index: UInt32
    let pinned: Bool

    init(state: PoolState, index: UInt32, pinned: Bool) {
        self.state = state
        self.index = index
        self.pinned = pinned
    }
}

private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
    podium_name_thread("podium-\(start.index)")
    if start.pinned { _ = podium_bind_thread(start.index) }
    start.state.work()
    return nil
}
