import CBench
import CPluginAPI
public import JSON
import Glibc
import Kernels

/// `host bench bandwidth`: copying, reading and writing memory.
public struct BandwidthBench: Sendable {
    /// One kind of traffic.
    public struct Row: Sendable {
        /// What moves: `copy`, `read`, `write`, `host to device`.
        public var name: String
        /// On how many threads; nil on a GPU.
        public var threads: Int?
        /// Bytes read and written in a repetition.
        public var bytes: UInt64
        /// Its times.
        public var timing: DoBench.Timing
        /// Whether the device's memory bounds it, and not the link to the host.
        public var isOnDevice = true

        /// GB/s, 10^9 bytes each.
        public var gigabytes: Double { Double(bytes) / (timing.median * 1e6) }
        /// GB/s of the shortest repetition.
        public var best: Double { Double(bytes) / (timing.least * 1e6) }
    }

    private let selection: String
    private let threads: Int?
    private let size: UInt64
    private let timing: DoBench

    /// Checks what is asked for.
    ///
    /// - Parameters:
    ///   - device: `cpu`, `hip:0`, `cuda:0`.
    ///   - threads: Most threads of a processor; nil: one for each usable CPU.
    ///   - megabytes: Size of each buffer, in MiB; more than the caches hold.
    ///   - timing: How long is warmed up and measured.
    /// - Throws: `ConfigError` for a size that is none.
    public init(
        device: String = "cpu",
        threads: Int? = nil,
        megabytes: Int = 512,
        timing: DoBench = DoBench()
    ) throws {
        guard (1...1 << 20).contains(megabytes) else {
            throw ConfigError("--size \(megabytes): expected MiB from 1 to 1048576")
        }
        (selection, self.threads, size, self.timing) = (device, threads, UInt64(megabytes) << 20, timing)
    }

    /// Measures everything.
    public func run() throws -> BandwidthReport {
        let group = try DeviceGroup.forBench(selection, threads: threads)
        let properties = try group.backend.properties(of: group.devices[0])
        var rows: [Row] = []
        if properties.kind == .cpu {
            var count = 1
            while count < group.pool.threadCount {
                rows += try processor(DeviceGroup.forBench(selection, threads: count))
                count *= 2
            }
            rows += try processor(group)
        } else {
            rows = try gpu(group)
        }
        return BandwidthReport(
            device: "\(properties.kind):\(group.devices[0])",
            properties: properties,
            size: size,
            rows: rows
        )
    }

    /// The best copy on all threads or on the device, in GB/s: what kernels are held against.
    static func copyBandwidth(_ group: DeviceGroup, size: UInt64, timing: DoBench) throws -> Double {
        let buffers = try BenchBuffers(group, size: size)
        let copied = try timing.measure(DeviceBenchClock(group, buffers.stream)) {
            try buffers.stream.copy(to: buffers.second, from: buffers.first, size: size)
        }
        return Double(2 * size) / (copied.median * 1e6)
    }

    private func processor(_ group: DeviceGroup) throws -> [Row] {
        let buffers = try BenchBuffers(group, size: size)
        let count = group.pool.threadCount
        let clock = DeviceBenchClock(group, buffers.stream)
        let copy = try timing.measure(clock) {
            try buffers.stream.copy(to: buffers.second, from: buffers.first, size: size)
        }
        let address = UInt(bitPattern: buffers.first)
        let share = Int(size) / count / 4096 * 4096
        let read = try timing.measure(clock) {
            group.pool.forEach(count) { index in
                let start = UnsafeRawPointer(bitPattern: address + UInt(index * share))
                if let start { _ = podium_read(start, share) }
            }
        }
        let write = try timing.measure(clock) { try buffers.stream.fill(buffers.second, value: 1, size: size) }
        return [
            Row(name: "copy", threads: count, bytes: 2 * size, timing: copy),
            Row(name: "read", threads: count, bytes: UInt64(share * count), timing: read),
            Row(name: "write", threads: count, bytes: size, timing: write),
        ]
    }

    private func gpu(_ group: DeviceGroup) throws -> [Row] {
        let buffers = try BenchBuffers(group, size: size)
        let (stream, backend) = (buffers.stream, group.backend)
        let clock = DeviceBenchClock(group, stream)
        let pinned = try backend.allocatePinned(size: size, purpose: "bench bandwidth")
        defer { try? backend.deallocatePinned(pinned) }
        memset(pinned, 1, Int(size))
        let (first, second) = (buffers.first, buffers.second)
        var rows = [
            Row(
                name: "copy",
                bytes: 2 * size,
                timing: try timing.measure(clock) { try stream.copy(to: second, from: first, size: size) }
            ),
            Row(
                name: "write",
                bytes: size,
                timing: try timing.measure(clock) { try stream.fill(second, value: 1, size: size) }
            ),
        ]
        if let read = try argmax(group, buffers, clock) { rows.insert(read, at: 1) }
        rows.append(
            Row(
                name: "host to device, pinned",
                bytes: size,
                timing: try timing.measure(clock) { try stream.copy(to: first, from: pinned, size: size) },
                isOnDevice: false
            )
        )
        rows.append(
            Row(
                name: "device to host, pinned",
                bytes: size,
                timing: try timing.measure(clock) { try stream.copy(to: pinned, from: first, size: size) },
                isOnDevice: false
            )
        )
        return rows
    }

    /// The kernel of ours that reads and writes next to nothing; nil where it has no code for the device.
    private func argmax(_ group: DeviceGroup, _ buffers: BenchBuffers, _ clock: DeviceBenchClock) throws -> Row? {
        let width: Int32 = 1 << 14
        let rows = Int32(size / UInt64(width) / 4)
        let stream = buffers.stream
        guard rows > 0, let kernel = try? HostKernel(PODIUM_ARGMAX, backend: group.backend, devices: group.devices)
        else { return nil }
        // The tokens and the row count live in the second buffer.
        try stream.place(withUnsafeBytes(of: rows) { Array($0) }, at: buffers.second)
        try stream.fill(buffers.first, value: 0, size: size)
        try stream.synchronize()
        let grid = podium_grid_argmax(try kernel.backend(of: stream), rows)
        let words: InlineArray<16, UInt64> = [
            HostKernel.word(buffers.second + 256), HostKernel.word(buffers.first), HostKernel.word(buffers.second),
            HostKernel.word(rows), HostKernel.word(width), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]
        do throws(DeviceError) {
            try kernel.launch(grid, words, on: stream)
        } catch {
            guard error.status == mlp_status(MLP_UNSUPPORTED) else { throw error }
            return nil
        }
        let timing = try timing.measure(clock) { try kernel.launch(grid, words, on: stream) }
        return Row(name: "read (argmax)", bytes: UInt64(rows) * UInt64(width) * 4, timing: timing)
    }
}

/// Two buffers of a device and a stream, touched.
final class BenchBuffers {
    let stream: any DeviceStream
    let first: UnsafeMutableRawPointer
    let second: UnsafeMutableRawPointer
    private let group: DeviceGroup

    init(_ group: DeviceGroup, size: UInt64) throws {
        self.group = group
        let device = group.devices[0]
        stream = try group.backend.makeStream(device: device)
        first = try group.backend.allocate(device: device, size: size, purpose: "bench bandwidth")
        do {
            second = try group.backend.allocate(device: device, size: size, purpose: "bench bandwidth")
        } catch {
            try? group.backend.deallocate(device: device, first)
            throw error
        }
        try stream.fill(first, value: 0, size: size)
        try stream.fill(second, value: 0, size: size)
        try stream.synchronize()
    }

    deinit {
        try? group.backend.deallocate(device: group.devices[0], first)
        try? group.backend.deallocate(device: group.devices[0], second)
    }
}

/// What `host bench bandwidth` shows.
public struct BandwidthReport: Sendable {
    /// `cpu:0`, `hip:0`.
    public var device: String
    /// What it is.
    public var properties: DeviceProperties
    /// Bytes of each buffer.
    public var size: UInt64
    /// One for each kind of traffic and number of threads.
    public var rows: [BandwidthBench.Row]

    /// GB/s that the memory can move at most: of the data sheet, or of a processor the best that was seen.
    var limit: Double? {
        if properties.kind == .cpu { return rows.map(\.best).max() }
        return DevicePeaks.named(properties.name)?.bandwidth
    }

    private var limitSource: String {
        if properties.kind == .cpu { return "limit: the best of all repetitions above" }
        return DevicePeaks.named(properties.name).map { "limit: \($0.source)" }
            ?? "limit: not known for \(properties.name)"
    }

    /// For people.
    public var text: String {
        var table = BenchTable(["traffic", "threads", "ms", "GB/s", "best", "of limit"])
        for row in rows {
            table.append([
                row.name, row.threads.map { "\($0)" } ?? "-", BenchTable.figure(row.timing.median),
                BenchTable.figure(row.gigabytes), BenchTable.figure(row.best), BenchTable.percent(share(row)),
            ])
        }
        return "\(device)  \(properties.name), buffers of \(size >> 20) MiB\n\n\(table.text)\n\(limitSource)\n"
            + "GB/s: 10^9 bytes, a copied byte counts twice; the median of the repetitions, the caches cleared before each\n"
    }

    /// For programs.
    public var json: JSON {
        [
            "device": .string(device), "name": .string(properties.name), "buffer_bytes": JSON(size),
            "limit_gb_per_s": limit.map(JSON.number) ?? .null, "limit_source": .string(limitSource),
            "rows": .array(
                rows.map { row in
                    [
                        "traffic": .string(row.name), "threads": row.threads.map { JSON($0) } ?? .null,
                        "bytes": JSON(row.bytes), "median_ms": .number(row.timing.median),
                        "gb_per_s": .number(row.gigabytes), "best_gb_per_s": .number(row.best),
                        "share_of_limit": share(row).map(JSON.number) ?? .null,
                    ]
                }
            ),
        ]
    }

    private func share(_ row: BandwidthBench.Row) -> Double? {
        row.isOnDevice ? limit.map { row.gigabytes / $0 } : nil
    }
}
