public import CPluginAPI
public import Numerics

/// The tensors and placements that a plugin declares, copied and checked.
public struct WeightDeclarations: Sendable {
    /// A tensor of the checkpoint, or one that is only allocated.
    public struct Tensor: Sendable, Equatable {
        /// The name, as in the checkpoint.
        public let name: String
        /// A folder of the model folder, `nil` for the model folder itself.
        public let folder: String?
        /// Stored elements, outermost first.
        public let shape: [Int]
        /// The type of the elements.
        public let type: ElementType
        /// Whether it may be absent; it is then bound to NULL.
        public let isOptional: Bool
        /// Whether the plugin writes it; it is then a private copy.
        public let isMutable: Bool
        /// Whether it is in no file, but allocated and zeroed.
        public let isAllocated: Bool
        /// Whether only placements read it; it is then bound to NULL.
        public let isSource: Bool
        /// Index of the tensor that scales this one.
        public let scales: Int?
        /// Elements of the last axis that share a scale; 0 if the whole tensor does.
        public let block: Int
        /// The axis along which a group of devices shares it, `nil` if each has all of it.
        public let shardAxis: Int?
        /// Bytes of the whole tensor.
        public let size: Int

        /// The name with its folder.
        public var path: String { folder.map { "\($0)/\(name)" } ?? name }
    }

    /// Memory that the plugin fills from tensors.
    public struct Placement: Sendable, Equatable {
        /// The name.
        public let name: String
        /// Indices of the tensors that it is made of.
        public let sources: [Int]
        /// Bytes on each device.
        public let size: Int
    }

    /// Whose weights they are, for messages.
    public let plugin: String
    /// In the order of the plugin's table.
    public let tensors: [Tensor]
    /// In the order of the plugin's table.
    public let placements: [Placement]

    /// Most axes of a tensor.
    public static let maximumRank = 8
    /// Most bytes of a tensor or placement: what a process can address.
    public static let maximumSize = 1 << 47
    /// Most tensors, and most placements.
    public static let maximumCount = 1 << 20

    /// Copies and checks the table of `plugin`.
    ///
    /// - Parameters:
    ///   - table: what the plugin's extension "mlp.weights/1" is.
    ///   - plugin: its name.
    /// - Throws: `MLP_INVALID_ARGUMENT`, naming the plugin, the tensor or placement, and the field.
    public init(_ table: UnsafePointer<mlp_weights>, plugin: String) throws(WeightsError) {
        self.plugin = plugin
        let declared = table.pointee
        let (tensorCount, placementCount) = (declared.tensor_count, declared.placement_count)
        func refuse(_ what: String) -> WeightsError { WeightsError(MLP_INVALID_ARGUMENT, "\(plugin): \(what)") }
        guard tensorCount <= Self.maximumCount, placementCount <= Self.maximumCount else {
            throw refuse(
                "mlp_weights: \(tensorCount) tensors and \(placementCount) placements; at most \(Self.maximumCount) of "
                    + "each can be declared"
            )
        }
        guard tensorCount == 0 || declared.tensors != nil else {
            throw refuse("mlp_weights: tensor_count is \(tensorCount), tensors is NULL")
        }
        guard placementCount == 0 || declared.placements != nil else {
            throw refuse("mlp_weights: placement_count is \(placementCount), placements is NULL")
        }
        guard placementCount == 0 || declared.place != nil else {
            throw refuse("mlp_weights: placement_count is \(placementCount), place is NULL")
        }
        guard tensorCount + placementCount == 0 || declared.bind != nil else {
            throw refuse("mlp_weights: there are tensors or placements, but bind is NULL")
        }
        var tensors: [Tensor] = []
        var names: Set<String> = []
        for tensor in UnsafeBufferPointer(start: declared.tensors, count: Int(tensorCount)) {
            let checked = try Self.check(tensor, index: tensors.count, of: Int(tensorCount), plugin)
            guard names.insert(checked.path).inserted else {
                throw refuse("tensor \(tensors.count): \(checked.path) is declared twice")
            }
            tensors.append(checked)
        }
        try Self.checkScales(tensors, plugin)
        var placements: [Placement] = []
        names = []
        for placement in UnsafeBufferPointer(start: declared.placements, count: Int(placementCount)) {
            let checked = try Self.check(placement, index: placements.count, tensors: tensors, plugin)
            guard names.insert(checked.name).inserted else {
                throw refuse("placement \(placements.count): \(checked.name) is declared twice")
            }
            placements.append(checked)
        }
        self.tensors = tensors
        self.placements = placements
    }

    private static func check(
        _ tensor: mlp_tensor,
        index: Int,
        of count: Int,
        _ plugin: String
    ) throws(WeightsError) -> Tensor {
        guard let name = tensor.name.map({ String(cString: $0) }), !name.isEmpty else {
            throw WeightsError(MLP_INVALID_ARGUMENT, "\(plugin): tensor \(index) has no name")
        }
        func refuse(_ what: String) -> WeightsError {
            WeightsError(MLP_INVALID_ARGUMENT, "\(plugin): tensor \(name): \(what)")
        }
        let folder = tensor.folder.map { String(cString: $0) }
        if let folder, !isInside(folder) {
            throw refuse("folder \"\(folder)\" must be the name of a folder inside the model folder")
        }
        guard tensor.rank <= maximumRank else {
            throw refuse("rank \(tensor.rank), where at most \(maximumRank) axes can be declared")
        }
        guard tensor.rank == 0 || tensor.shape != nil else { throw refuse("rank is \(tensor.rank), shape is NULL") }
        guard let type = ElementType(contract: tensor.dtype) else {
            throw refuse("dtype \(tensor.dtype) is no type of the contract")
        }
        let extents = Array(UnsafeBufferPointer(start: tensor.shape, count: Int(tensor.rank)))
        let shape = extents.compactMap { Int(exactly: $0) }
        guard shape.count == extents.count, let size = type.byteCount(shape: shape), size <= maximumSize else {
            throw refuse("shape \(extents) of \(type) is no whole number of bytes, or more than \(maximumSize)")
        }
        let flags = Flags(tensor.flags)
        guard let flags else { throw refuse("flags \(tensor.flags) has bits that this host does not know") }
        if flags.isAllocated && (flags.isOptional || flags.isSource) {
            throw refuse("flags: MLP_TENSOR_NO_FILE excludes OPTIONAL and SOURCE")
        }
        if flags.isMutable && flags.isSource { throw refuse("flags: MLP_TENSOR_SOURCE excludes MUTABLE") }
        guard tensor.scales == MLP_NO_SCALES || (tensor.scales >= 0 && Int(tensor.scales) < count) else {
            throw refuse("scales \(tensor.scales) is none of the \(count) tensors")
        }
        if tensor.block > 0 {
            guard tensor.scales != MLP_NO_SCALES else { throw refuse("block is \(tensor.block), but scales is none") }
            guard let last = shape.last, last.isMultiple(of: Int(tensor.block)) else {
                throw refuse("block \(tensor.block) does not divide the last axis of \(shape)")
            }
        }
        guard tensor.shard_axis == MLP_REPLICATED || (tensor.shard_axis >= 0 && tensor.shard_axis < tensor.rank) else {
            throw refuse("shard_axis \(tensor.shard_axis) is no axis of \(shape)")
        }
        return Tensor(
            name: name,
            folder: folder,
            shape: shape,
            type: type,
            isOptional: flags.isOptional,
            isMutable: flags.isMutable,
            isAllocated: flags.isAllocated,
            isSource: flags.isSource,
            scales: tensor.scales == MLP_NO_SCALES ? nil : Int(tensor.scales),
            block: Int(tensor.block),
            shardAxis: tensor.shard_axis == MLP_REPLICATED ? nil : Int(tensor.shard_axis),
            size: size
        )
    }

    private struct Flags {
        let isOptional, isMutable, isAllocated, isSource: Bool

        init?(_ bits: UInt32) {
            func has(_ flag: some FixedWidthInteger) -> Bool { bits & UInt32(truncatingIfNeeded: flag) != 0 }
            isOptional = has(MLP_TENSOR_OPTIONAL)
            isMutable = has(MLP_TENSOR_MUTABLE)
            isAllocated = has(MLP_TENSOR_NO_FILE)
            isSource = has(MLP_TENSOR_SOURCE)
            if bits >> 4 != 0 { return nil }
        }
    }

    /// A plugin must not be able to have the host read elsewhere.
    private static func isInside(_ folder: String) -> Bool {
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
        return !parts.isEmpty && !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }
    }

    private static func checkScales(_ tensors: [Tensor], _ plugin: String) throws(WeightsError) {
        /// 0 not seen, 1 on the chain that is followed, 2 known to end.
        var marks = [UInt8](repeating: 0, count: tensors.count)
        for start in tensors.indices {
            var chain: [Int] = []
            var next: Int? = start
            while let index = next, marks[index] == 0 {
                marks[index] = 1
                chain.append(index)
                next = tensors[index].scales
            }
            if let index = next, marks[index] == 1 {
                throw WeightsError(
                    MLP_INVALID_ARGUMENT,
                    "\(plugin): tensor \(tensors[index].path): its scales lead back to itself"
                )
            }
            for index in chain { marks[index] = 2 }
        }
    }

    private static func check(
        _ placement: mlp_placement,
        index: Int,
        tensors: [Tensor],
        _ plugin: String
    ) throws(WeightsError) -> Placement {
        guard let name = placement.name.map({ String(cString: $0) }), !name.isEmpty else {
            throw WeightsError(MLP_INVALID_ARGUMENT, "\(plugin): placement \(index) has no name")
        }
        func refuse(_ what: String) -> WeightsError {
            WeightsError(MLP_INVALID_ARGUMENT, "\(plugin): placement \(name): \(what)")
        }
        guard placement.source_count > 0, placement.source_count <= maximumCount, placement.sources != nil else {
            throw refuse("source_count is \(placement.source_count); it must be made of one tensor or more")
        }
        guard let size = Int(exactly: placement.size), size > 0, size <= maximumSize else {
            throw refuse("size \(placement.size) is not between 1 and \(maximumSize)")
        }
        var sources: [Int] = []
        for source in UnsafeBufferPointer(start: placement.sources, count: Int(placement.source_count)) {
            guard Int(source) < tensors.count else {
                throw refuse("source \(source) is none of the \(tensors.count) tensors")
            }
            guard !tensors[Int(source)].isAllocated else {
                throw refuse("source \(tensors[Int(source)].path) is in no file")
            }
            sources.append(Int(source))
        }
        return Placement(name: name, sources: sources, size: size)
    }
}
