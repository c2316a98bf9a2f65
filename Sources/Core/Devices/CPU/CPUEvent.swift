import Synchronization

/// A mark of a processor's stream: the time, since the work before it was done when the call that queued it returned.
final class CPUEvent: DeviceEvent {
    /// On the monotonic clock, in nanoseconds; 0 before the first mark.
    private let time = Atomic<UInt64>(0)

    func mark() { time.store(monotonicNanoseconds(), ordering: .releasing) }

    func synchronize() throws(DeviceError) {}

    func milliseconds(since start: any DeviceEvent) throws(DeviceError) -> Float {
        guard let start = start as? CPUEvent else {
            throw .invalidArgument("event_elapsed: the events are of different kinds of device")
        }
        let (from, to) = (start.time.load(ordering: .acquiring), time.load(ordering: .acquiring))
        guard from > 0, to > 0 else { throw .invalidArgument("event_elapsed: an event that was never recorded") }
        return Float((Double(to) - Double(from)) / 1e6)
    }
}
