/// What a measurement needs of a device: marks in its work, their distance, and a cold cache.
protocol BenchClock: AnyObject {
    /// Marks this point of the device's work; a mark that is set again moves.
    func mark(_ index: Int) throws

    /// Waits for all work.
    func synchronize() throws

    /// The device's time between two marks that have passed.
    func milliseconds(from start: Int, to end: Int) throws -> Double

    /// Overwrites what caches hold.
    func clearCache() throws
}

/// The events of a device's stream, and a buffer larger than its caches.
final class DeviceBenchClock: BenchClock {
    /// What do_bench clears: more than the 256 MB of an MI300X's last level.
    static let cacheSize: UInt64 = 256 << 20

    private let group: DeviceGroup
    private let stream: any DeviceStream
    private var events: [any DeviceEvent] = []
    private var cache: UnsafeMutableRawPointer?
    private var device: Int { group.devices[0] }

    init(_ group: DeviceGroup, _ stream: any DeviceStream) {
        self.group = group
        self.stream = stream
    }

    deinit {
        guard let cache else { return }
        try? group.backend.deallocate(device: device, cache)
    }

    func mark(_ index: Int) throws {
        while events.count <= index { events.append(try group.backend.makeEvent(device: device)) }
        try stream.record(events[index])
    }

    func synchronize() throws { try stream.synchronize() }

    func milliseconds(from start: Int, to end: Int) throws -> Double {
        Double(try events[end].milliseconds(since: events[start]))
    }

    func clearCache() throws {
        if cache == nil {
            cache = try group.backend.allocate(device: device, size: Self.cacheSize, purpose: "clearing caches")
        }
        if let cache { try stream.fill(cache, value: 0, size: Self.cacheSize) }
    }
}
