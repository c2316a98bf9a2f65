import CPlatform
import Glibc
import Synchronization

/// One OS thread that makes an instance's [control] calls, one after another.
///
/// HIP's current device belongs to a thread, which is why it is always the same one; and a call that does not return
/// leaves the caller free to write the run's logs and end the process.
final class ControlThread: @unchecked Sendable {
    private let jobs = Mutex<[Job]>([])
    private let available = Semaphore()

    init(name: String) {
        startThread(name: name) { [self] in loop() }
    }

    /// Runs `body` on the thread and waits for it, at most `seconds`.
    ///
    /// - Returns: nil if it did not return in time; the thread is then lost, and so is every later call.
    func call<Value>(within seconds: Double, _ body: @escaping () -> Value) -> Value? {
        let outcome = Outcome<Value>()
        let finished = Semaphore()
        let deadline = monotonicNanoseconds() &+ UInt64(seconds * 1e9)
        append {
            outcome.value = body()
            finished.signal()
        }
        return finished.wait(until: deadline) ? outcome.value : nil
    }

    /// Lets the thread end once its last call has returned.
    func close() { append(nil) }

    private func append(_ body: (() -> Void)?) {
        let job = Job(body: body)
        jobs.withLock { $0.append(job) }
        available.signal()
    }

    private func loop() {
        while true {
            available.wait()
            let job = jobs.withLock { $0.removeFirst() }
            guard let body = job.body else { return }
            body()
        }
    }
}

/// Work that crosses to the control thread, which alone runs it; without a body, the end of the thread.
private struct Job: @unchecked Sendable {
    let body: (() -> Void)?
}

/// Where a call's result goes.
///
/// Shared with the thread, which may finish after the caller has given up on it.
final class Outcome<Value>: @unchecked Sendable {
    var value: Value?
}

/// Starts a detached OS thread with a name of at most 15 bytes and a stack of 8 MiB.
func startThread(name: String, _ body: @escaping @Sendable () -> Void) {
    final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(name, body))
    let status = withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { attributes in
        guard let attributes = attributes.baseAddress else { return ENOMEM }
        pthread_attr_init(attributes)
        defer { pthread_attr_destroy(attributes) }
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(attributes, 8 << 20)
        return pthread_create(
            &thread,
            attributes,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                podium_name_thread(start.name)
                start.body()
                return nil
            },
            start.toOpaque()
        )
    }
    precondition(status == 0, "cannot start the thread \(name): \(String(cString: strerror(status)))")
}
