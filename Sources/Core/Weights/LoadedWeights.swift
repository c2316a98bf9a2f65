public import CPluginAPI
import Numerics
import Synchronization

/// Weights on the devices of a group.
///
/// They live as long as this object, which must outlive the plugin's instance.
public final class LoadedWeights: @unchecked Sendable {
    /// What became of the weights, in bytes over all devices.
    public struct Report: Sendable, Equatable {
        /// Bound to the mapped file itself.
        public var mapped: UInt64 = 0
        /// Copied: mutable, unaligned, or on a device with memory of its own.
        public var copied: UInt64 = 0
        /// Written by the plugin's place().
        public var placed: UInt64 = 0
        /// Allocated and zeroed.
        public var zeroed: UInt64 = 0
        /// The most pinned host memory that weights went through on their way to devices.
        public var staged: UInt64 = 0
        /// Optional tensors that the checkpoint does not have.
        public var absent: [String] = []
        /// What somebody who looks for lost memory or time should know.
        public var notes: [String] = []
    }

    /// What became of the weights.
    public private(set) var report = Report()

    let files: WeightFiles
    let group: DeviceGroup
    let streams: [any DeviceStream]
    /// Memory that the backend gave, with the device that it is on.
    private let memory = Mutex<[(device: Int, address: UInt)]>([])
    /// For each device, the tensors and then the placements.
    private var bound: [[mlp_bound]]
    let stagingSize: Int

    var declarations: WeightDeclarations { files.declarations }

    /// Binds, copies and places the weights, and hands them to the plugin, device by device.
    ///
    /// Mapped pages are bound as they are where the device reads host memory.  Elsewhere weights go through a few pinned
    /// buffers.  Placements are filled on the group's pool.  When a tensor is copied, or the last placement of it filled, its
    /// pages are released, so that no weight stays in memory twice.
    ///
    /// - Parameters:
    ///   - files: the tensors found.
    ///   - group: where they go.
    ///   - plugin: whose place() and bind() are called.
    ///   - table: its extension "mlp.weights/1".
    ///   - stagingSize: bytes of a buffer that tensors go through.
    /// - Throws: the status of a place() or bind() that failed, `MLP_OUT_OF_MEMORY`, or `MLP_UNSUPPORTED` for a shard that
    ///   is not contiguous in the file.
    public init(
        _ files: WeightFiles,
        group: DeviceGroup,
        plugin: UnsafePointer<mlp_plugin>,
        table: UnsafePointer<mlp_weights>,
        stagingSize: Int = LoadedWeights.stagingSize
    ) throws(WeightsError) {
        self.files = files
        self.group = group
        self.stagingSize = stagingSize
        let count = files.declarations.tensors.count + files.declarations.placements.count
        bound = Array(
            repeating: Array(repeating: mlp_bound(data: nil, size: 0), count: count),
            count: group.devices.count
        )
        var streams: [any DeviceStream] = []
        do throws(DeviceError) {
            for device in group.devices { streams.append(try group.backend.makeStream(device: device)) }
        } catch {
            throw WeightsError(error)
        }
        self.streams = streams
        try checkRoom()
        try bindTensors()
        try fillPlacements(plugin, table)
        for shard in streams.indices { try onStream(shard) { (_) throws(DeviceError) in } }
        try handOver(plugin, table)
    }

    deinit {
        memory.withLock { memory in
            for (device, address) in memory {
                guard let piece = UnsafeMutableRawPointer(bitPattern: address) else { continue }
                try? group.backend.deallocate(device: device, piece)
            }
        }
    }

    // MARK: Tensors

    private func bindTensors() throws(WeightsError) {
        let isPlaced = Set(declarations.placements.flatMap(\.sources))
        let staging = try tensorStaging()
        for (index, tensor) in declarations.tensors.enumerated() {
            let view = files.views[index]
            if tensor.isSource {
                if view != nil, !isPlaced.contains(index) {
                    report.notes.append("tensor \(tensor.path) is a source, but no placement is made of it")
                }
                if view == nil { report.absent.append(tensor.path) }
                continue
            }
            if view == nil && !tensor.isAllocated {
                report.absent.append(tensor.path)
                continue
            }
            for shard in group.devices.indices {
                let range = try shardRange(of: tensor, shard)
                bound[shard][index] = try bind(tensor, view, range, shard, staging)
            }
            let stays = group.backend.readsHostMemory && bound[0][index].data.map(UnsafeRawPointer.init) == view?.start
            if stays { view?.prefetch() } else if !isPlaced.contains(index) { view?.releasePages() }
        }
    }

    private func bind(
        _ tensor: WeightDeclarations.Tensor,
        _ view: TensorView?,
        _ range: Range<Int>,
        _ shard: Int,
        _ staging: StagingBuffers?
    ) throws(WeightsError) -> mlp_bound {
        let size = UInt64(range.count)
        guard let view else {
            let memory = try allocate(size, shard, "tensor \(tensor.path)")
            try onStream(shard) { (stream) throws(DeviceError) in try stream.fill(memory, value: 0, size: size) }
            report.zeroed += size
            return mlp_bound(data: memory, size: size)
        }
        guard let start = view.bytes.baseAddress else { return mlp_bound(data: nil, size: 0) }  // An extent is 0.
        let source = start + range.lowerBound
        let width = max(1, tensor.type.bitWidth / 8)
        let isAligned = UInt(bitPattern: source).isMultiple(of: UInt(width))
        if group.backend.readsHostMemory && !tensor.isMutable && isAligned {
            report.mapped += size
            return mlp_bound(data: UnsafeMutableRawPointer(mutating: source), size: size)
        }
        if group.backend.readsHostMemory && !tensor.isMutable {
            report.notes.append(
                "tensor \(tensor.path) is copied (\(size) bytes): its place in the file is no multiple of \(width) bytes"
            )
        }
        let memory = try allocate(size, shard, "tensor \(tensor.path)")
        if let staging {
            do throws(DeviceError) {
                try upload(source, to: memory, size: range.count, shard, through: staging)
            } catch {
                throw WeightsError(error)
            }
        } else {
            try onStream(shard) { (stream) throws(DeviceError) in try stream.copy(to: memory, from: source, size: size)
            }
        }
        report.copied += size
        return mlp_bound(data: memory, size: size)
    }

    /// The bytes of a tensor that a device gets.
    func shardRange(of tensor: WeightDeclarations.Tensor, _ shard: Int) throws(WeightsError) -> Range<Int> {
        let count = group.devices.count
        guard count > 1, let axis = tensor.shardAxis else { return 0..<tensor.size }
        func refuse(_ status: some FixedWidthInteger, _ what: String) -> WeightsError {
            WeightsError(status, "\(declarations.plugin): tensor \(tensor.path) \(tensor.shape): \(what)")
        }
        let extent = tensor.shape[axis]
        guard extent.isMultiple(of: count) else {
            throw refuse(MLP_INVALID_ARGUMENT, "axis \(axis) cannot be split evenly across \(count) devices")
        }
        guard tensor.shape[..<axis].allSatisfy({ $0 <= 1 }) else {
            throw refuse(
                MLP_UNSUPPORTED,
                "a shard along axis \(axis) is not contiguous in the file; declare a placement for it, or split axis 0"
            )
        }
        guard tensor.size.isMultiple(of: count) else {
            throw refuse(MLP_UNSUPPORTED, "a shard of \(tensor.type) would end inside a byte")
        }
        let size = tensor.size / count
        return shard * size..<(shard + 1) * size
    }

    // MARK: Placements

    private func fillPlacements(
        _ plugin: UnsafePointer<mlp_plugin>,
        _ table: UnsafePointer<mlp_weights>
    ) throws(WeightsError) {
        let placements = declarations.placements
        guard !placements.isEmpty, let place = table.pointee.place else { return }
        let shards = group.devices.count
        var uses = [Int](repeating: 0, count: declarations.tensors.count)
        for placement in placements {
            for source in placement.sources { uses[source] += shards }
        }
        // Where place() writes: a buffer that is copied to the device, or the device's memory itself.
        let staging = try placementStaging()
        for (index, placement) in placements.enumerated() {
            for shard in 0..<shards {
                let memory = try allocate(UInt64(placement.size), shard, "placement \(placement.name)")
                bound[shard][declarations.tensors.count + index] = mlp_bound(data: memory, size: UInt64(placement.size))
                report.placed += UInt64(placement.size)
            }
        }
        let remaining = Mutex(uses)
        let failure = Mutex<WeightsError?>(nil)
        let uploads = Mutex(())
        nonisolated(unsafe) let (plugin, targets) = (plugin, bound)
        group.pool.forEach(placements.count * shards) { job in
            guard failure.withLock({ $0 == nil }) else { return }
            let (index, shard) = (job / shards, job % shards)
            let placement = placements[index]
            let target = targets[shard][declarations.tensors.count + index]
            do throws(WeightsError) {
                guard let data = target.data else { return }
                let buffer = try staging.map { (staging) throws(WeightsError) in try taken(staging) }
                let sources = placement.sources.map { source in
                    let bytes = files.views[source]?.bytes
                    return mlp_bytes(data: bytes?.baseAddress, size: UInt64(bytes?.count ?? 0))
                }
                let status = place(
                    plugin,
                    UInt32(index),
                    UInt32(shard),
                    UInt32(shards),
                    sources,
                    buffer?.memory ?? data
                )
                guard status == MLP_OK else {
                    if let buffer { staging?.give(buffer.index, after: nil) }
                    throw WeightsError(
                        status,
                        "\(declarations.plugin): place of \(placement.name) for device \(shard) of \(shards) returned \(status)"
                    )
                }
                if let staging, let buffer {
                    let fault = uploads.withLock { _ -> DeviceError? in
                        do throws(DeviceError) {
                            try send(buffer, to: data, size: placement.size, shard, through: staging)
                            return nil
                        } catch {
                            return error
                        }
                    }
                    if let fault { throw WeightsError(fault) }
                }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
            let finished = remaining.withLock { remaining in
                placement.sources.filter { source in
                    remaining[source] -= 1
                    return remaining[source] == 0
                }
            }
            for source in finished where declarations.tensors[source].isSource { files.views[source]?.releasePages() }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func taken(
        _ staging: StagingBuffers
    ) throws(WeightsError) -> (index: Int, memory: UnsafeMutableRawPointer) {
        do throws(DeviceError) {
            return try staging.take()
        } catch {
            throw WeightsError(error)
        }
    }

    func noteStaging(_ size: UInt64) { report.staged = max(report.staged, size) }

    // MARK: Handing over

    private func handOver(
        _ plugin: UnsafePointer<mlp_plugin>,
        _ table: UnsafePointer<mlp_weights>
    ) throws(WeightsError) {
        guard let bind = table.pointee.bind else { return }
        for shard in group.devices.indices {
            let status = bind(plugin, UInt32(shard), bound[shard], UInt32(bound[shard].count))
            guard status == MLP_OK else {
                throw WeightsError(status, "\(declarations.plugin): bind for device \(shard) returned \(status)")
            }
        }
    }

    // MARK: Device memory

    private func allocate(_ size: UInt64, _ shard: Int, _ what: String) throws(WeightsError) -> UnsafeMutableRawPointer
    {
        let device = group.devices[shard]
        do throws(DeviceError) {
            let piece = try group.backend.allocate(
                device: device,
                size: size,
                purpose: "\(declarations.plugin)'s \(what)"
            )
            let address = UInt(bitPattern: piece)
            memory.withLock { $0.append((device, address)) }
            return piece
        } catch {
            throw WeightsError(error)
        }
    }

    private func onStream(
        _ shard: Int,
        _ work: (any DeviceStream) throws(DeviceError) -> Void
    ) throws(WeightsError) {
        do throws(DeviceError) {
            try work(streams[shard])
            try streams[shard].synchronize()
        } catch {
            throw WeightsError(error)
        }
    }
}

extension TensorView {
    fileprivate var start: UnsafeRawPointer? { bytes.baseAddress }
}
