import Core
import Glibc
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    @Test(arguments: [1, 2, 3, 7, 16], [0, 20_000] as [UInt64])
    func everyIndexRunsOnce(threads: Int, spin: UInt64) {
        let pool = ThreadPool(threads: threads, spinNanoseconds: spin)
        #expect(pool.threadCount == threads)
        for count in [0, 1, 2, 3, 5, threads, threads * 4, threads * 4 + 1, 1000] {
            let hits = UnsafeMutablePointer<UInt8>.allocate(capacity: max(count, 1))
            hits.initialize(repeating: 0, count: max(count, 1))
            defer { hits.deallocate() }
            nonisolated(unsafe) let shared = hits
            pool.forEach(count) { shared[$0] += 1 }
            #expect((0..<count).allSatisfy { hits[$0] == 1 }, "\(count) indices on \(threads) threads")
            pool.run(count: UInt64(count), context: hits, cut: .longThenShort) { context, first, last in
                guard let context else { return }
                let hits = UnsafeMutableRawPointer(mutating: context).assumingMemoryBound(to: UInt8.self)
                for index in first..<last { hits[Int(index)] += 1 }
            }
            #expect((0..<count).allSatisfy { hits[$0] == 2 }, "\(count) indices on \(threads) threads, long then short")
        }
    }

    /// Many short loops in a row: a wake-up that goes missing hangs, a range taken twice breaks the sum.
    @Test(arguments: [2, 4]) func stress(threads: Int) {
        let pool = ThreadPool(threads: threads, spinNanoseconds: 2_000)
        var random = SystemRandomNumberGenerator()
        let sum = Atomic<UInt64>(0)
        var expected: UInt64 = 0
        for round in 0..<20_000 {
            let count = 2 + Int(random.next() % 40)
            expected &+= UInt64(count * (count - 1) / 2)
            pool.forEach(count) { sum.wrappingAdd(UInt64($0), ordering: .relaxed) }
            if round % 1000 == 0 { usleep(200) }  // Let the threads fall asleep now and then.
        }
        #expect(sum.load(ordering: .relaxed) == expected)
    }

    @Test func callersOnSeveralThreadsQueueUp() {
        let pool = ThreadPool(threads: 3, spinNanoseconds: 1_000)
        let sum = Atomic<Int>(0)
        withoutActuallyEscaping({
            for _ in 0..<2_000 { pool.forEach(10) { sum.wrappingAdd($0, ordering: .relaxed) } }
        }) { (work: @escaping () -> Void) in
            nonisolated(unsafe) let work = work
            let threads = (0..<4).map { _ in Thread { work() } }
            for thread in threads { thread.join() }
        }
        #expect(sum.load(ordering: .relaxed) == 4 * 2_000 * 45)
    }

    @Test func aLoopInsideABodyRunsOnItsThread() {
        let pool = ThreadPool(threads: 2)
        let sum = Atomic<Int>(0)
        #expect(!ThreadPool.isInsideBody)
        pool.forEach(8) { _ in
            #expect(ThreadPool.isInsideBody)
            pool.forEach(5) { sum.wrappingAdd($0, ordering: .relaxed) }
            #expect(ThreadPool.isInsideBody)
        }
        #expect(!ThreadPool.isInsideBody)
        #expect(sum.load(ordering: .relaxed) == 80)
    }

    @Test func poolsComeAndGo() {
        for _ in 0..<50 {
            let pool = ThreadPool(threads: 4, spinNanoseconds: 500)
            pool.forEach(3) { _ in }
        }
    }
}

/// A thread of the test's own.
final class Thread {
    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let box = Unmanaged.passRetained(Box(body))
        pthread_create(
            &thread,
            nil,
            { argument in
                Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            },
            box.toOpaque()
        )
    }

    func join() { pthread_join(thread, nil) }
}
