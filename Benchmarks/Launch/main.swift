import CPluginAPI
import Core
import Glibc

// What a launch costs when the kernel does nothing: the host's own price, which every kernel pays on top of its work.
// Everything goes through the tables that a plugin gets.
//
//     swift run -c release LaunchBenchmark [THREADS ...]        (default: 1 2)

/// Kernels that do nothing.
enum Kernels {
    /// Without arguments.
    static let empty: @convention(c) (UnsafePointer<mlp_grid>?, UInt64, UInt64) -> Void = { _, _, _ in }
    /// With the arguments of a typical matrix product.
    static let eight:
        @convention(c) (
            UnsafePointer<mlp_grid>?, UInt64, UInt64, UnsafeRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?,
            UnsafeRawPointer?, Int32, Int32, Int32, Int32
        ) -> Void = { _, _, _, _, _, _, _, _, _, _, _ in }
}

/// The table that a plugin with these two kernels would offer; lives as long as the process.
func makeKernels() -> UnsafePointer<mlp_kernels> {
    func text(_ text: String) -> UnsafePointer<CChar>? { strdup(text).map { UnsafePointer($0) } }
    let kernels = UnsafeMutablePointer<mlp_kernel>.allocate(capacity: 2)
    let twins = [
        ("empty", "", unsafeBitCast(Kernels.empty, to: (@convention(c) () -> Void).self)),
        ("eight", "ppppiiii", unsafeBitCast(Kernels.eight, to: (@convention(c) () -> Void).self)),
    ]
    for (index, (name, signature, twin)) in twins.enumerated() {
        (kernels + index).initialize(
            to: mlp_kernel(name: text(name), signature: text(signature), twin: twin, family: 0, reserved: 0)
        )
    }
    let family = UnsafeMutablePointer<mlp_kernel_family>.allocate(capacity: 1)
    family.initialize(to: mlp_kernel_family())
    family.pointee.name = text("bench")
    let table = UnsafeMutablePointer<mlp_kernels>.allocate(capacity: 1)
    table.initialize(to: mlp_kernels())
    table.pointee.struct_size = UInt32(MemoryLayout<mlp_kernels>.size)
    table.pointee.kernel_count = 2
    table.pointee.kernels = UnsafePointer(kernels)
    table.pointee.family_count = 1
    table.pointee.families = UnsafePointer(family)
    return UnsafePointer(table)
}

func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Prints best, median and 90th percentile of `samples` timings, in nanoseconds for each of `operations`.
func measure(_ name: String, samples: Int, operations: Int, pause: useconds_t = 0, _ body: () -> Void) {
    var times: [Double] = []
    for _ in 0..<samples {
        if pause > 0 { usleep(pause) }
        let start = now()
        body()
        times.append(Double(now() - start) / Double(operations))
    }
    times.sort()
    func cell(_ value: Double) -> String {
        let text = String(Int(value.rounded()))
        return String(repeating: " ", count: max(0, 9 - text.count)) + text
    }
    let label = name + String(repeating: " ", count: max(0, 52 - name.count))
    print(label + cell(times[0]) + cell(times[times.count / 2]) + cell(times[times.count * 9 / 10]))
}

func run(threads: Int, kernels: UnsafePointer<mlp_kernels>) throws {
    let group = try DeviceGroup.cpu(threads: threads, plugin: "bench")
    try group.registerKernels(kernels)
    let context = ServiceContext(deviceGroup: group)
    var host = mlp_host()
    host.impl = Unmanaged.passUnretained(context).toOpaque()
    let device = DeviceServices.device.pointee
    let launch = DeviceServices.launch.pointee
    let pool = DeviceServices.pool.pointee
    var stream: OpaquePointer?
    _ = device.stream_create(&host, 0, &stream)
    var one = mlp_grid(blocks: (1, 1, 1), threads: (1, 1, 1), shared_bytes: 0)
    var many = mlp_grid(blocks: (64, 1, 1), threads: (1, 1, 1), shared_bytes: 0)
    let values = UnsafeMutablePointer<UInt64>.allocate(capacity: 8)
    values.initialize(repeating: 0, count: 8)
    let arguments = (0..<8).map { UnsafeRawPointer(values + $0) as UnsafeRawPointer? }
    let count = 1000

    print(
        "\nthreads: \(group.pool.threadCount), CPUs: \(ThreadPool.usableCPUs)              ns:     best   median      p90"
    )
    measure("launch, 1 block, no argument", samples: 300, operations: count) {
        for _ in 0..<count { _ = launch.launch(&host, stream, 0, &one, nil, 0) }
    }
    measure("launch, 1 block, 8 arguments", samples: 300, operations: count) {
        for _ in 0..<count { _ = launch.launch(&host, stream, 1, &one, arguments, 8) }
    }
    measure("launch, 64 blocks, no argument, threads awake", samples: 300, operations: count) {
        for _ in 0..<count { _ = launch.launch(&host, stream, 0, &many, nil, 0) }
    }
    measure("launch, 64 blocks, 8 arguments, threads awake", samples: 300, operations: count) {
        for _ in 0..<count { _ = launch.launch(&host, stream, 1, &many, arguments, 8) }
    }
    measure("launch, 64 blocks, no argument, threads asleep", samples: 300, operations: 1, pause: 1000) {
        _ = launch.launch(&host, stream, 0, &many, nil, 0)
    }
    for (name, blocks) in [("1 block", one), ("64 blocks", many)] {
        var grid = blocks
        var recording: OpaquePointer?
        _ = launch.record_begin(&host, stream)
        for _ in 0..<count { _ = launch.launch(&host, stream, 1, &grid, arguments, 8) }
        _ = launch.record_end(&host, stream, &recording)
        measure("replay of \(count) launches, \(name), 8 arguments", samples: 300, operations: count) {
            _ = launch.replay(&host, stream, recording)
        }
        launch.recording_release(&host, recording)
    }
    measure("parallel_for of 64", samples: 300, operations: count) {
        for _ in 0..<count { _ = pool.parallel_for(&host, 64, { _, _ in }, nil) }
    }
    values.deallocate()
    withExtendedLifetime(context) {}
}

let threads = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let kernels = makeKernels()
for count in threads.isEmpty ? [1, 2] : threads { try run(threads: count, kernels: kernels) }
