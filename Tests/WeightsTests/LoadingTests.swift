import CPluginAPI
import Glibc
import Testing

@testable import Core

@Suite struct LoadingTests {
    typealias Tensor = DeclaringPlugin.Tensor
    typealias Placement = DeclaringPlugin.Placement

    private func group(
        devices: Int = 1,
        threads: Int = 2,
        budget: UInt64? = nil,
        binds: Bool = true
    ) throws -> (DeviceGroup, CPUBackend) {
        let pool = ThreadPool(threads: threads)
        let backend = CPUBackend(pool: pool, deviceCount: devices, memoryBudget: budget, bindsMappedPages: binds)
        return (try DeviceGroup(backend: backend, devices: Array(0..<devices), pool: pool, plugin: "Test"), backend)
    }

    private func load(
        _ plugin: DeclaringPlugin,
        _ folder: String?,
        _ group: DeviceGroup,
        stagingSize: Int = LoadedWeights.stagingSize
    ) throws -> LoadedWeights {
        let files = try WeightFiles(WeightDeclarations(plugin.table, plugin: "Test"), modelFolder: folder)
        return try LoadedWeights(
            files,
            group: group,
            plugin: plugin.plugin,
            table: plugin.table,
            stagingSize: stagingSize
        )
    }

    private let a = pattern(4 * 6, 1)
    private let b = pattern(2 * 10, 2)
    private let c = pattern(300_000, 3)

    private func folder(padding: Int = 0) throws -> ModelFolder {
        let folder = try ModelFolder()
        try folder.write(
            "model.safetensors",
            [
                ("a", "F32", [2, 3], a), ("b", "BF16", [10], b), ("c", "U8", [3, 100_000], c),
                ("empty", "F32", [0], []),
            ],
            padding: padding
        )
        return folder
    }

    private func tensors() -> [Tensor] {
        [
            Tensor("a", [2, 3]), Tensor("b", [10]).with { $0.type = Int32(MLP_BF16) },
            Tensor("c", [3, 100_000]).with { $0.type = Int32(MLP_U8) },
        ]
    }

    @Test func everyKindOfTensor() throws {
        let folder = try folder()
        let (group, backend) = try group()
        let plugin = DeclaringPlugin(
            tensors() + [
                Tensor("missing", [7], flags: MLP_TENSOR_OPTIONAL),
                Tensor("cache", [1000], flags: MLP_TENSOR_NO_FILE | MLP_TENSOR_MUTABLE), Tensor("empty", [0]),
            ]
        )
        plugin.table.pointee.tensor_count = 6
        var loaded: LoadedWeights? = try load(plugin, folder.path, group)
        #expect(plugin.bytes(0) == a && plugin.bytes(1) == b && plugin.bytes(2) == c)
        #expect(plugin.bound[0][3].data == nil && plugin.bound[0][3].size == 0)
        #expect(plugin.bytes(4) == [UInt8](repeating: 0, count: 4000))
        #expect(plugin.bound[0][5].size == 0)
        let report = try #require(loaded?.report)
        #expect(report.mapped == UInt64(a.count + b.count + c.count) && report.copied == 0 && report.zeroed == 4000)
        #expect(report.absent == ["missing"])
        // Nothing but the cache was allocated.
        #expect(backend.memory.outstanding.bytes == 4096)
        loaded = nil
        #expect(backend.memory.outstanding.bytes == 0)
    }

    @Test func mutableTensorsArePrivate() throws {
        let folder = try folder()
        let (group, _) = try group()
        let plugin = DeclaringPlugin([tensors()[0].with { $0.flags = MLP_TENSOR_MUTABLE }])
        let loaded = try load(plugin, folder.path, group)
        #expect(plugin.bytes(0) == a && loaded.report.copied == 24 && loaded.report.mapped == 0)
        plugin.bound[0][0].data?.storeBytes(of: 0xFFFF_FFFF, as: UInt32.self)
        #expect(plugin.bytes(0) != a)
        let again = DeclaringPlugin([tensors()[0]])
        let second = try load(again, folder.path, group)
        #expect(again.bytes(0) == a)
        withExtendedLifetime((loaded, second)) {}
    }

    @Test func anUnalignedTensorIsCopiedAndSaysSo() throws {
        let folder = try folder(padding: 1)
        let (group, _) = try group()
        let plugin = DeclaringPlugin(tensors())
        let loaded = try load(plugin, folder.path, group)
        #expect(plugin.bytes(0) == a && plugin.bytes(1) == b && plugin.bytes(2) == c)
        #expect(loaded.report.copied == UInt64(a.count + b.count) && loaded.report.mapped == UInt64(c.count))
        #expect(loaded.report.notes.count == 2 && loaded.report.notes[0].contains("tensor a is copied"))
        #expect(UInt(bitPattern: plugin.bound[0][0].data) % 4 == 0)
    }

    /// A tensor that is larger than a buffer goes through several times.
    @Test(arguments: [1 << 25, 4096, 7])
    func tensorsAreStaged(stagingSize: Int) throws {
        let folder = try folder()
        let (group, backend) = try group(binds: false)
        let plugin = DeclaringPlugin(tensors())
        var loaded: LoadedWeights? = try load(plugin, folder.path, group, stagingSize: stagingSize)
        #expect(plugin.bytes(0) == a && plugin.bytes(1) == b && plugin.bytes(2) == c)
        let report = try #require(loaded?.report)
        #expect(report.copied == UInt64(a.count + b.count + c.count) && report.mapped == 0)
        #expect(report.staged == UInt64(3 * min(stagingSize, c.count)))
        #expect(report.sentence.contains("at a time in staging memory"))
        loaded = nil
        #expect(backend.memory.outstanding.bytes == 0, "the buffers are given back")
    }

    @Test(arguments: [true, false], [1, 3])
    func placementsAreFilled(binds: Bool, devices: Int) throws {
        let folder = try folder()
        let (group, backend) = try group(devices: devices, threads: 3, binds: binds)
        var all = tensors()
        all[2].flags = MLP_TENSOR_SOURCE
        all.append(Tensor("missing", [7], flags: MLP_TENSOR_OPTIONAL | MLP_TENSOR_SOURCE))
        let plugin = DeclaringPlugin(
            all,
            [
                Placement("ca", [2, 0], size: UInt64(c.count + a.count)),
                Placement("c", [2, 3], size: UInt64(c.count)),
                Placement("bb", [1, 1], size: UInt64(2 * b.count)),
            ]
        )
        var loaded: LoadedWeights? = try load(plugin, folder.path, group)
        for device in 0..<devices {
            func shifted(_ bytes: [UInt8]) -> [UInt8] { bytes.map { $0 &+ UInt8(device) } }
            #expect(plugin.bytes(0, device: device) == a && plugin.bytes(1, device: device) == b)
            #expect(plugin.bytes(2, device: device) == nil && plugin.bytes(3, device: device) == nil)
            #expect(plugin.bytes(4, device: device) == shifted(c + a))
            #expect(plugin.bytes(5, device: device) == shifted(c))
            #expect(plugin.bytes(6, device: device) == shifted(b + b))
        }
        let report = try #require(loaded?.report)
        #expect(report.placed == UInt64(devices * (2 * c.count + a.count + 2 * b.count)))
        let direct = UInt64(devices * (a.count + b.count))
        #expect(report.mapped == (binds ? direct : 0) && report.copied == (binds ? 0 : direct))
        #expect(report.absent == ["missing"])
        loaded = nil
        #expect(backend.memory.outstanding.bytes == 0)
    }

    /// The resident bytes of a mapped file, as the kernel counts them.
    private func residentBytes(of path: String) throws -> Int {
        // Foundation takes files of /proc, whose size is said to be 0, for empty.
        let smaps = try #require(fopen("/proc/self/smaps", "r"))
        defer { fclose(smaps) }
        var isFile = false
        var found = false
        var bytes = 0
        var buffer = [CChar](repeating: 0, count: 8192)
        while fgets(&buffer, Int32(buffer.count), smaps) != nil {
            let line = String(
                decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)),
                as: UTF8.self
            )
            if line.contains("-"), line.contains(" r") { isFile = line.hasSuffix(path) }
            found = found || isFile
            if isFile, line.hasPrefix("Rss:") { bytes += (Int(line.split(separator: " ")[1]) ?? 0) * 1024 }
        }
        try #require(found, "the file is not mapped")
        return bytes
    }

    @Test(arguments: [true, false]) func noWeightIsHeldTwice(isSource: Bool) throws {
        let size = 8 << 20
        let folder = try ModelFolder()
        try folder.write("model.safetensors", [("w", "U8", [size], [UInt8](repeating: 5, count: size))])
        let (group, _) = try group(threads: 2)
        let tensor = Tensor("w", [UInt64(size)], flags: isSource ? MLP_TENSOR_SOURCE : 0)
            .with { $0.type = Int32(MLP_U8) }
        let plugin = DeclaringPlugin([tensor], [Placement("p", [0], size: UInt64(size))])
        let loaded = try load(plugin, folder.path, group)
        let resident = try residentBytes(of: folder.path + "/model.safetensors")
        // A tensor that is bound as well stays where it is.
        #expect(isSource ? resident < 64 << 10 : resident >= size, "\(resident) bytes of the file are resident")
        withExtendedLifetime(loaded) {}
    }

    @Test(arguments: [true, false]) func shardsAlongTheFirstAxis(binds: Bool) throws {
        let folder = try folder()
        let (group, _) = try group(devices: 3, binds: binds)
        let plugin = DeclaringPlugin([
            tensors()[2].with { $0.shardAxis = 0 }, tensors()[0],
            tensors()[0].with {
                $0.name = "a2"; $0.flags = 1
            },
        ])
        let loaded = try load(plugin, folder.path, group)
        for device in 0..<3 {
            #expect(plugin.bytes(0, device: device) == Array(c[device * 100_000..<(device + 1) * 100_000]))
            #expect(plugin.bytes(1, device: device) == a)
        }
        withExtendedLifetime(loaded) {}
        let across = DeclaringPlugin([tensors()[0].with { $0.shardAxis = 1 }])
        fails(MLP_UNSUPPORTED, "axis 1 is not contiguous") { try load(across, folder.path, group) }
        let uneven = DeclaringPlugin([tensors()[0].with { $0.shardAxis = 0 }])
        fails(MLP_INVALID_ARGUMENT, "split evenly across 3") { try load(uneven, folder.path, group) }
    }

    @Test func theFileMustFitTheDeclaration() throws {
        let folder = try folder()
        let (group, _) = try group()
        func load(_ tensor: Tensor, _ path: String?) throws -> LoadedWeights {
            try self.load(DeclaringPlugin([tensor]), path, group)
        }
        fails(MLP_INVALID_ARGUMENT, "model.safetensors: tensor a: Test expects F32 [3, 2], found F32 [2, 3]") {
            try load(Tensor("a", [3, 2]), folder.path)
        }
        fails(MLP_INVALID_ARGUMENT, "expects BF16 [2, 3], found F32 [2, 3]") {
            try load(tensors()[0].with { $0.type = Int32(MLP_BF16) }, folder.path)
        }
        fails(MLP_NOT_FOUND, "tensor lm_head is missing") { try load(Tensor("lm_head", [3, 2]), folder.path) }
        fails(MLP_NOT_FOUND, "no model folder") { try load(tensors()[0], nil) }
        fails(MLP_IO_ERROR, "nowhere") { try load(tensors()[0], folder.path + "/nowhere") }
        fails(MLP_IO_ERROR, "transformer") { try load(tensors()[0].with { $0.folder = "transformer" }, folder.path) }
        #expect(throws: Never.self) { try load(Tensor("cache", [4], flags: MLP_TENSOR_NO_FILE), nil) }
    }

    @Test func foldersOfTheModel() throws {
        let folder = try folder()
        try folder.write("transformer/diffusion_pytorch_model.safetensors", [("a", "F32", [6], pattern(24, 9))])
        let (group, _) = try group()
        let plugin = DeclaringPlugin([tensors()[0], Tensor("a", [6]).with { $0.folder = "transformer" }])
        let loaded = try load(plugin, folder.path, group)
        #expect(plugin.bytes(0) == a && plugin.bytes(1) == pattern(24, 9))
        withExtendedLifetime(loaded) {}
    }

    @Test func failuresAreReportedAndLeaveNothing() throws {
        let folder = try folder()
        let (group, backend) = try group(budget: 1 << 20)
        let placing = DeclaringPlugin(tensors(), [Placement("p", [0], size: 24), Placement("q", [1], size: 20)])
        placing.placeStatus = mlp_status(MLP_CANCELLED)
        fails(MLP_CANCELLED, "place of") { try load(placing, folder.path, group) }
        #expect(placing.bound.isEmpty)
        let binding = DeclaringPlugin(tensors())
        binding.bindStatus = mlp_status(MLP_INTERNAL)
        fails(MLP_INTERNAL, "bind for device 0") { try load(binding, folder.path, group) }
        let large = DeclaringPlugin([Tensor("cache", [1 << 20], flags: MLP_TENSOR_NO_FILE)])
        fails(MLP_OUT_OF_MEMORY, "Test's tensor cache asked for 4194304 bytes") { try load(large, nil, group) }
        #expect(backend.memory.outstanding.bytes == 0)
    }

    private func fails(
        _ status: Int,
        _ words: String,
        line: Int = #line,
        _ work: () throws -> LoadedWeights
    ) {
        let error = #expect(throws: WeightsError.self) { _ = try work() }
        #expect(error.map { Int($0.status) } == status, "line \(line)")
        #expect(error?.message.contains(words) == true, "line \(line): \(error?.message ?? "")")
    }
}
