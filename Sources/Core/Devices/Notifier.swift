import CPlatform
import CPluginAPI
import Glibc
import Synchronization

/// The thread that tells plugins of finished work, started by the first notification.
final class Notifier: @unchecked Sendable {
    typealias Callback = @convention(c) (UnsafeMutableRawPointer?, mlp_status) -> Void

    private struct Notification: @unchecked Sendable {
        let done: Callback
        let context: UnsafeMutableRawPointer?
        let status: mlp_status
    }

    /// What the thread holds on to; it may outlive the notifier by the callbacks that are queued.
    private final class Queue: @unchecked Sendable {
        let pending = Mutex<[Notification]>([])
        let stopping = Atomic<Bool>(false)
        /// Changes with everything put into the queue.
        let signal: UnsafeMutablePointer<Atomic<UInt32>>

        init() {
            signal = .allocate(capacity: 1)
            signal.initialize(to: Atomic(0))
        }

        deinit { signal.deallocate() }

        func ring() {
            signal.pointee.add(1, ordering: .sequentiallyConsistent)
            _ = podium_futex_wake(signal, 1)
        }

        func work() {
            var batch: [Notification] = []
            while true {
                let seen = signal.pointee.load(ordering: .sequentiallyConsistent)
                let stop = stopping.load(ordering: .acquiring)
                pending.withLock { swap(&$0, &batch) }
                for notification in batch { notification.done(notification.context, notification.status) }
                let worked = !batch.isEmpty
                batch.removeAll(keepingCapacity: true)
                if worked { continue }
                if stop { return }
                _ = podium_futex_wait(signal, seen, -1)
            }
        }
    }

    private let queue = Queue()
    private let thread = Mutex<pthread_t?>(nil)

    deinit {
        queue.stopping.store(true, ordering: .releasing)
        queue.ring()
        if let thread = thread.withLock({ $0 }), pthread_equal(thread, pthread_self()) == 0 {
            pthread_join(thread, nil)
        }
    }

    /// Calls `done` on the notifier's thread.
    func notify(_ done: @escaping Callback, context: UnsafeMutableRawPointer?) throws(DeviceError) {
        try start()
        post(done, context: context, status: mlp_status(MLP_OK))
    }

    /// Starts the thread if it does not run yet.
    func start() throws(DeviceError) {
        let running = thread.withLock { thread in
            if thread == nil { thread = Self.start(queue) }
            return thread != nil
        }
        guard running else { throw DeviceError(MLP_INTERNAL, "notify: the system refuses to start a thread") }
    }

    /// Calls `done` with a status on the notifier's thread, which was started before.
    func post(_ done: @escaping Callback, context: UnsafeMutableRawPointer?, status: mlp_status) {
        queue.pending.withLock { $0.append(Notification(done: done, context: context, status: status)) }
        queue.ring()
    }

    private static func start(_ queue: Queue) -> pthread_t? {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(queue)
        let status = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                podium_name_thread("podium-notify")
                Unmanaged<Queue>.fromOpaque(argument).takeRetainedValue().work()
                return nil
            },
            argument.toOpaque()
        )
        guard status == 0 else {
            argument.release()
            return nil
        }
        return thread
    }
}
