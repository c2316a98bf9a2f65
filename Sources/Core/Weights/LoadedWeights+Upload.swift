import CPluginAPI
import Glibc
import Numerics

/// How weights get into the memory of devices that do not read the host's.
extension LoadedWeights {
    /// Bytes of a staging buffer for tensors.
    public static let stagingSize = 32 << 20
    /// Bytes of all those for placements, if one is not larger.
    private static let placementStaging = 2 << 30

    /// Staging buffers for tensors: one is filled while another is copied.
    func tensorStaging() throws(WeightsError) -> StagingBuffers? {
        guard !group.backend.readsHostMemory else { return nil }
        let largest = files.views.indices.reduce(0) { largest, index in
            declarations.tensors[index].isSource ? largest : max(largest, files.views[index]?.bytes.count ?? 0)
        }
        guard largest > 0 else { return nil }
        return try staging(count: 3, size: min(largest, stagingSize), "tensors")
    }

    /// Staging buffers for placements, which are filled whole: as many as there are threads, within 2 GiB.
    func placementStaging() throws(WeightsError) -> StagingBuffers? {
        guard !group.backend.readsHostMemory else { return nil }
        let largest = declarations.placements.reduce(0) { max($0, $1.size) }
        guard largest > 0 else { return nil }
        let jobs = declarations.placements.count * group.devices.count
        let count = max(1, min(Self.placementStaging / largest, group.pool.threadCount + 1, jobs))
        return try staging(count: count, size: largest, "placements")
    }

    private func staging(count: Int, size: Int, _ what: String) throws(WeightsError) -> StagingBuffers {
        do throws(DeviceError) {
            let buffers = try StagingBuffers(
                group.backend,
                count: count,
                size: size,
                purpose: "staging of \(declarations.plugin)'s \(what)"
            )
            noteStaging(UInt64(count * size))
            return buffers
        } catch {
            throw WeightsError(error)
        }
    }

    /// Copies a tensor's bytes to a device, asynchronously; the source may go when this returns.
    func upload(
        _ source: UnsafeRawPointer,
        to destination: UnsafeMutableRawPointer,
        size: Int,
        _ shard: Int,
        through staging: StagingBuffers
    ) throws(DeviceError) {
        var offset = 0
        while offset < size {
            let length = min(staging.size, size - offset)
            let buffer = try staging.take()
            // Pages of the file are read on all threads.
            let (piece, from) = (1 << 20, source + offset)
            nonisolated(unsafe) let target = buffer.memory
            group.pool.forEach((length + piece - 1) / piece) { index in
                let start = index * piece
                memcpy(target + start, from + start, min(piece, length - start))
            }
            try send(buffer, to: destination + offset, size: length, shard, through: staging)
            offset += length
        }
    }

    /// Queues the copy of a staging buffer and gives it back.
    func send(
        _ buffer: (index: Int, memory: UnsafeMutableRawPointer),
        to destination: UnsafeMutableRawPointer,
        size: Int,
        _ shard: Int,
        through staging: StagingBuffers
    ) throws(DeviceError) {
        var copied: (any DeviceEvent)?
        defer { staging.give(buffer.index, after: copied) }
        let event = try group.backend.makeEvent(device: group.devices[shard])
        try streams[shard].copy(to: destination, from: buffer.memory, size: UInt64(size))
        try streams[shard].record(event)
        copied = event
    }

    /// Refuses weights that a device has no room for, before anything is read.
    ///
    /// - Throws: `MLP_OUT_OF_MEMORY` with what is needed, by what, and what would fit.
    func checkRoom() throws(WeightsError) {
        guard !group.backend.readsHostMemory else { return }
        for shard in group.devices.indices {
            var tensors = 0
            for (index, tensor) in declarations.tensors.enumerated()
            where !tensor.isSource && (tensor.isAllocated || files.views[index] != nil) {
                tensors += try shardRange(of: tensor, shard).count
            }
            let placements = declarations.placements.reduce(0) { $0 + $1.size }
            let device = group.devices[shard]
            let (free, properties): (UInt64, DeviceProperties)
            do throws(DeviceError) {
                free = try group.backend.freeMemory(of: device)
                properties = try group.backend.properties(of: device)
            } catch {
                throw WeightsError(error)
            }
            guard UInt64(tensors + placements) > free else { continue }
            throw WeightsError(
                MLP_OUT_OF_MEMORY,
                "\(group.backend.kind):\(device) is out of memory: \(declarations.plugin)'s weights need "
                    + "\(tensors + placements) bytes (tensors \(tensors), placements \(placements)); \(free) of the "
                    + "\(properties.memorySize) bytes of \(properties.name) are free. What would fit: weights of fewer bits "
                    + "(`host quantize`), more devices for each instance (devices_per_instance) if the plugin splits its "
                    + "weights, or a device with more than that and room for activations and cache"
            )
        }
    }
}
