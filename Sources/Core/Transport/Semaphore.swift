import Glibc

/// A counting semaphore on the monotonic clock.
final class Semaphore: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var count = 0

    init() {
        pthread_mutex_init(mutex, nil)
        withUnsafeTemporaryAllocation(of: pthread_condattr_t.self, capacity: 1) { attributes in
            guard let attributes = attributes.baseAddress else { return }
            pthread_condattr_init(attributes)
            pthread_condattr_setclock(attributes, CLOCK_MONOTONIC)
            pthread_cond_init(changed, attributes)
            pthread_condattr_destroy(attributes)
        }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    func signal() {
        pthread_mutex_lock(mutex)
        count += 1
        pthread_cond_signal(changed)
        pthread_mutex_unlock(mutex)
    }

    /// Waits for a signal.
    ///
    /// - Parameter deadline: Of the monotonic clock, in nanoseconds; nil for ever.
    /// - Returns: false if the deadline came first.
    @discardableResult
    func wait(until deadline: UInt64? = nil) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while count == 0 {
            guard let deadline else {
                pthread_cond_wait(changed, mutex)
                continue
            }
            var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            if pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT, count == 0 { return false }
        }
        count -= 1
        return true
    }
}
