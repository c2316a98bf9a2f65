import CPluginAPI
import Glibc

/// Queries that wait for a slot, in the order of issue, and the flags that wake the engine's thread.
///
/// `issue` takes the lock for as long as it takes to copy the queries, and allocates only when more of them wait than
/// ever before.
final class QueryQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var ring: UnsafeMutablePointer<mlp_query>
    private var capacity: Int
    private var head = 0
    private var count = 0
    private var cancelled: [mlp_sample_id] = []
    private var stopping = false
    private var warmUp = WarmUp.none

    private enum WarmUp { case none, wanted, done }

    /// What the engine's thread is to do next.
    struct Orders {
        var stop: Bool
        var warmUp: Bool
        var cancelled: [mlp_sample_id]
    }

    /// Room for as many queries as Offline issues at once in MLPerf's largest text data set, without growing.
    init(capacity: Int = 1 << 15) {
        self.capacity = capacity
        ring = .allocate(capacity: capacity)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
        ring.deallocate()
    }

    @inline(__always)
    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Appends queries and wakes the engine.
    func append(_ queries: UnsafeBufferPointer<mlp_query>) {
        locked {
            if count + queries.count > capacity { grow(to: count + queries.count) }
            var tail = head + count
            if tail >= capacity { tail -= capacity }
            for query in queries {
                ring[tail] = query
                tail += 1
                if tail == capacity { tail = 0 }
            }
            count += queries.count
            pthread_cond_broadcast(condition)
        }
    }

    private func grow(to wanted: Int) {
        var larger = capacity
        while larger < wanted { larger *= 2 }
        let copy = UnsafeMutablePointer<mlp_query>.allocate(capacity: larger)
        for index in 0..<count { copy[index] = ring[(head + index) % capacity] }
        ring.deallocate()
        ring = copy
        capacity = larger
        head = 0
    }

    /// The oldest query, left where it is.
    func first() -> mlp_query? {
        locked { count > 0 ? ring[head] : nil }
    }

    /// Removes the oldest query.
    func removeFirst() {
        locked {
            precondition(count > 0)
            head = head + 1 == capacity ? 0 : head + 1
            count -= 1
        }
    }

    /// Removes the query with an id, if it waits here.
    func remove(_ id: mlp_sample_id) -> Bool {
        locked {
            guard let found = (0..<count).first(where: { ring[(head + $0) % capacity].id == id }) else { return false }
            // Offline's thousands are cancelled in the order in which they came: the oldest costs no move.
            if found == 0 {
                head = head + 1 == capacity ? 0 : head + 1
                count -= 1
                return true
            }
            for index in found..<(count - 1) { ring[(head + index) % capacity] = ring[(head + index + 1) % capacity] }
            count -= 1
            return true
        }
    }

    /// Asks for samples to be cancelled.
    func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) {
        locked {
            cancelled.append(contentsOf: ids)
            pthread_cond_broadcast(condition)
        }
    }

    /// Asks the engine's thread to end.
    func stop() {
        locked {
            stopping = true
            pthread_cond_broadcast(condition)
        }
    }

    /// Forgets an earlier stop.
    func restart() {
        locked {
            stopping = false
            warmUp = .none
            cancelled.removeAll()
        }
    }

    /// Asks for a warm-up and waits until it is done or the engine stops.
    func warmUpAndWait() {
        locked {
            warmUp = .wanted
            pthread_cond_broadcast(condition)
            while warmUp != .done && !stopping { pthread_cond_wait(condition, mutex) }
            warmUp = .none
        }
    }

    /// Says that the warm-up is done.
    func warmUpDone() {
        locked {
            warmUp = .done
            pthread_cond_broadcast(condition)
        }
    }

    /// Waits until there is something to do; an engine that has work of its own does not wait.
    func nextOrders(busy: Bool) -> Orders {
        locked {
            while !busy && count == 0 && !stopping && warmUp != .wanted && cancelled.isEmpty {
                pthread_cond_wait(condition, mutex)
            }
            let orders = Orders(stop: stopping, warmUp: warmUp == .wanted, cancelled: cancelled)
            if !cancelled.isEmpty { cancelled = [] }
            return orders
        }
    }
}
