public import CPluginAPI
import PluginAPI

/// A plugin whose instances compute on both devices of a group: each sample passes through memory, a stream and a kernel of
/// the first, then of the second.
///
/// With a group of one device both halves run on that one, with the same results.
final class Pair: Workload, DatasetProviding, InferenceProviding, KernelsProviding {
    static let declaration = WorkloadDeclaration(
        id: "podium.pair",
        title: "Adds and multiplies on two devices",
        version: "1.0",
        options: [
            .integer("devices", default: 1, minimum: 1, maximum: 2, help: "the size that the group must have")
        ]
    )
    static let claims: InferenceClaims = [.deterministic, .batchInvariant]
    private static let count = 64
    /// Numbers in a sample.
    private static let width = 16

    /// One of the two halves: where it computes.
    private struct Half {
        var device: UInt32
        var stream: Stream
        var memory: UnsafeMutableRawPointer
    }

    private let host: Host
    private let samples: Samples
    private let groupSize: Int
    private let isWorker: Bool
    private var halves: [Half] = []
    private let inputs = UnsafeMutableBufferPointer<Int64>.allocate(capacity: Pair.count * Pair.width)
    private let output = UnsafeMutableBufferPointer<Int64>.allocate(capacity: Pair.width)

    init(host: Host, configuration: Configuration) throws {
        self.host = host
        samples = try host.samples()
        isWorker = configuration.role != .head
        groupSize = try configuration.integer("devices")
        if isWorker, configuration.deviceCount != groupSize {
            throw PluginError(.invalidArgument, "devices: \(configuration.deviceCount), not \(groupSize)")
        }
        for place in inputs.indices { inputs[place] = Int64(place) }
        output.initialize(repeating: 0)
    }

    deinit {
        inputs.deallocate()
        output.deallocate()
    }

    func prepare() throws {
        guard isWorker else { return }
        let devices = try host.devices()
        guard devices.count == groupSize else {
            throw PluginError(.invalidState, "the group has \(devices.count) devices, not \(groupSize)")
        }
        for place in 0..<2 {
            let device = UInt32(place % groupSize)
            halves.append(
                Half(
                    device: device,
                    stream: try devices.makeStream(device),
                    memory: try devices.allocate(device, byteCount: Pair.width * 8)
                )
            )
        }
    }

    // Streams and memory go with the group after destroy; the memory is given back as a plugin should.
    func stop() throws {
        let devices = try host.devices()
        for half in halves {
            try devices.synchronize(half.stream)
            devices.release(half.stream)
            devices.free(half.device, half.memory)
        }
        halves = []
    }

    func datasetSize() -> (total: UInt64, performance: UInt64) { (UInt64(Pair.count), UInt64(Pair.count)) }
    func load(_ indices: UnsafeBufferPointer<UInt64>) {}
    func unload(_ indices: UnsafeBufferPointer<UInt64>) {}

    func payload(_ index: UInt64) throws -> (bytes: mlp_bytes, tokenCount: UInt64) {
        guard index < UInt64(Pair.count), let base = inputs.baseAddress else {
            throw PluginError(.invalidArgument, "payload: there is no sample \(index)")
        }
        return (mlp_bytes(data: base + Int(index) * Pair.width, size: UInt64(Pair.width * 8)), 0)
    }

    func issue(_ queries: UnsafeBufferPointer<mlp_query>) throws {
        let devices = try host.devices()
        for query in queries {
            var from = query.payload.data
            for (place, half) in halves.enumerated() {
                guard let source = from else { throw PluginError(.invalidArgument, "issue: no payload") }
                try devices.copy(half.stream, to: half.memory, from: source, byteCount: Pair.width * 8)
                try launch(half, factor: place == 0 ? 3 : 7)
                try devices.synchronize(half.stream)
                from = UnsafeRawPointer(half.memory)
            }
            guard let last = halves.last, let base = output.baseAddress else { return }
            try devices.copy(last.stream, to: base, from: last.memory, byteCount: Pair.width * 8)
            try devices.synchronize(last.stream)
            samples.complete(query.id, data: UnsafeRawBufferPointer(output))
        }
    }

    private func launch(_ half: Half, factor: Int64) throws {
        var memory: UnsafeMutableRawPointer? = half.memory
        var factor = factor
        var grid = mlp_grid()
        grid.blocks = (UInt32(Pair.width), 1, 1)
        grid.threads = (1, 1, 1)
        try withUnsafePointer(to: &memory) { memory in
            try withUnsafePointer(to: &factor) { factor in
                let arguments: [UnsafeRawPointer?] = [UnsafeRawPointer(memory), UnsafeRawPointer(factor)]
                try arguments.withUnsafeBufferPointer {
                    try host.launcher().launch(half.stream, kernel: 0, grid: grid, arguments: $0)
                }
            }
        }
    }

    func cancel(_ ids: UnsafeBufferPointer<mlp_sample_id>) {
        // Nothing is ever outstanding after issue has returned.
    }

    // MARK: The kernel

    /// x[b] = factor * x[b] + 1, for each block.
    private static let twin:
        @convention(c) (UnsafePointer<mlp_grid>?, UInt64, UInt64, UnsafeMutablePointer<Int64>?, Int64) -> Void = {
            _,
            first,
            last,
            numbers,
            factor in
            for block in Int(first)..<Int(last) { numbers?[block] = (numbers?[block] ?? 0) &* factor &+ 1 }
        }

    nonisolated(unsafe) private static let table:
        (kernel: UnsafeMutablePointer<mlp_kernel>, family: UnsafeMutablePointer<mlp_kernel_family>) = {
            func forever(_ text: StaticString) -> UnsafePointer<CChar> {
                UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
            }
            let kernel = UnsafeMutablePointer<mlp_kernel>.allocate(capacity: 1)
            kernel.initialize(to: mlp_kernel())
            kernel.pointee.name = forever("affine")
            kernel.pointee.signature = forever("pl")
            kernel.pointee.twin = unsafeBitCast(twin, to: (@convention(c) () -> Void).self)
            let family = UnsafeMutablePointer<mlp_kernel_family>.allocate(capacity: 1)
            family.initialize(to: mlp_kernel_family())
            family.pointee.name = forever("pair")
            return (kernel, family)
        }()

    var kernels: UnsafeBufferPointer<mlp_kernel> { UnsafeBufferPointer(start: Pair.table.kernel, count: 1) }
    var kernelFamilies: UnsafeBufferPointer<mlp_kernel_family> {
        UnsafeBufferPointer(start: Pair.table.family, count: 1)
    }
}

nonisolated(unsafe) private let library = makeLibrary(Pair.self)

// swift-format-ignore: AlwaysUseLowerCamelCase
/// The entry that the host looks up.
@c public func mlp_library_v1() -> UnsafePointer<mlp_library>? { library }
