import CPluginAPI
import Glibc
import Synchronization

/// A plugin that declares what a test says, places by copying its sources one after another, each byte plus the shard,
/// and remembers what it was bound to.
final class DeclaringPlugin: @unchecked Sendable {
    struct Tensor {
        var name: String?
        var folder: String?
        var shape: [UInt64]?
        var rank: UInt32?
        var type = Int32(MLP_F32)
        var flags = 0
        var scales = Int32(MLP_NO_SCALES)
        var block: UInt32 = 0
        var shardAxis = Int32(MLP_REPLICATED)

        init(_ name: String?, _ shape: [UInt64]?, flags: Int = 0) {
            self.name = name
            self.shape = shape
            self.flags = flags
        }

        func with(_ change: (inout Tensor) -> Void) -> Tensor {
            var copy = self
            change(&copy)
            return copy
        }
    }

    struct Placement {
        var name: String?
        var sources: [UInt32]?
        var count: UInt32?
        var size: UInt64

        init(_ name: String?, _ sources: [UInt32]?, count: UInt32? = nil, size: UInt64) {
            self.name = name
            self.sources = sources
            self.count = count
            self.size = size
        }
    }

    let plugin = UnsafeMutablePointer<mlp_plugin>.allocate(capacity: 1)
    let table = UnsafeMutablePointer<mlp_weights>.allocate(capacity: 1)
    var bound: [[mlp_bound]] = []
    var bindStatus = mlp_status(MLP_OK)
    var placeStatus = mlp_status(MLP_OK)
    let placed = Atomic<Int>(0)

    /// The strings and arrays are never freed.
    init(_ tensors: [Tensor], _ placements: [Placement] = []) {
        let tensorTable = UnsafeMutablePointer<mlp_tensor>.allocate(capacity: max(tensors.count, 1))
        for (index, tensor) in tensors.enumerated() {
            (tensorTable + index).initialize(
                to: mlp_tensor(
                    name: Self.copy(tensor.name),
                    folder: Self.copy(tensor.folder),
                    shape: Self.copy(tensor.shape),
                    rank: tensor.rank ?? UInt32(tensor.shape?.count ?? 0),
                    dtype: tensor.type,
                    flags: UInt32(tensor.flags),
                    scales: tensor.scales,
                    block: tensor.block,
                    shard_axis: tensor.shardAxis,
                    reserved: 0
                )
            )
        }
        let placementTable = UnsafeMutablePointer<mlp_placement>.allocate(capacity: max(placements.count, 1))
        for (index, placement) in placements.enumerated() {
            (placementTable + index).initialize(
                to: mlp_placement(
                    name: Self.copy(placement.name),
                    sources: Self.copy(placement.sources),
                    source_count: placement.count ?? UInt32(placement.sources?.count ?? 0),
                    reserved: 0,
                    size: placement.size
                )
            )
        }
        table.initialize(
            to: mlp_weights(
                struct_size: UInt32(MemoryLayout<mlp_weights>.size),
                tensor_count: UInt32(tensors.count),
                tensors: tensorTable,
                placements: placementTable,
                placement_count: UInt32(placements.count),
                reserved: 0,
                place: { plugin, index, shard, _, sources, destination in
                    guard let me = DeclaringPlugin.of(plugin), let sources, var to = destination else {
                        return mlp_status(MLP_INTERNAL)
                    }
                    let placement = me.table.pointee.placements[Int(index)]
                    for source in UnsafeBufferPointer(start: sources, count: Int(placement.source_count)) {
                        guard let data = source.data else { continue }
                        memcpy(to, data, Int(source.size))
                        let bytes = to.assumingMemoryBound(to: UInt8.self)
                        if shard > 0 { for byte in 0..<Int(source.size) { bytes[byte] &+= UInt8(shard) } }
                        to += Int(source.size)
                    }
                    me.placed.wrappingAdd(1, ordering: .relaxed)
                    return me.placeStatus
                },
                bind: { plugin, device, bound, count in
                    guard let me = DeclaringPlugin.of(plugin), Int(device) == me.bound.count else {
                        return mlp_status(MLP_INTERNAL)
                    }
                    me.bound.append(Array(UnsafeBufferPointer(start: bound, count: Int(count))))
                    return me.bindStatus
                }
            )
        )
        plugin.initialize(to: mlp_plugin())
        plugin.pointee.impl = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        plugin.deallocate()
        table.deallocate()
    }

    /// The bytes that a tensor or placement was bound to.
    func bytes(_ index: Int, device: Int = 0) -> [UInt8]? {
        bound[device][index].data.map {
            Array(UnsafeRawBufferPointer(start: $0, count: Int(bound[device][index].size)))
        }
    }

    private static func of(_ plugin: UnsafePointer<mlp_plugin>?) -> DeclaringPlugin? {
        plugin?.pointee.impl.map { Unmanaged<DeclaringPlugin>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func copy(_ text: String?) -> UnsafePointer<CChar>? { copy(text.map { Array($0.utf8CString) }) }

    private static func copy<Element>(_ array: [Element]?) -> UnsafePointer<Element>? {
        guard let array else { return nil }
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: max(array.count, 1))
        copy.initialize(from: array, count: array.count)
        return UnsafePointer(copy)
    }
}
