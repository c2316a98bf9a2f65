import CFFI
public import CPluginAPI

/// A plugin's kernel declarations, copied and checked.
public struct KernelTable: Sendable {
    /// One kernel.
    public struct Kernel: @unchecked Sendable {
        /// Its name in the code objects.
        public let name: String
        /// One letter for each argument: p pointer, i int32, l int64, f float, d double.
        public let signature: String
        /// The same computation in plain C; `nil` if there is none.
        public let twin: (@convention(c) () -> Void)?
        /// Index of its family in `families`.
        public let family: Int
    }

    /// A HIP source and what was compiled from it ahead of time.
    ///
    /// The bytes belong to the plugin.
    public struct Family: @unchecked Sendable {
        /// The family's name.
        public let name: String
        /// The HIP source; empty if there is no GPU form yet.
        public let source: UnsafeRawBufferPointer
        /// Code objects by target ("gfx950").
        public let codeObjects: [(target: String, image: UnsafeRawBufferPointer)]
    }

    /// Whose kernels they are, for messages.
    public let plugin: String
    /// In the order of the plugin's table: the index is what `launch` is given.
    public let kernels: [Kernel]
    /// In the order of the plugin's table.
    public let families: [Family]

    /// Most arguments that a kernel may have.
    public static let maximumArguments = Int(CFFI_MAX_ARGUMENTS)

    /// Copies and checks the table of `plugin`.
    ///
    /// - Throws: `MLP_INVALID_ARGUMENT`, naming the kernel or family and what is wrong with it.
    public init(_ table: UnsafePointer<mlp_kernels>, plugin: String) throws(DeviceError) {
        self.plugin = plugin
        let declared = table.pointee
        guard declared.kernel_count == 0 || declared.kernels != nil else {
            throw .invalidArgument("\(plugin): mlp_kernels: kernel_count is \(declared.kernel_count), kernels is NULL")
        }
        guard declared.family_count == 0 || declared.families != nil else {
            throw .invalidArgument(
                "\(plugin): mlp_kernels: family_count is \(declared.family_count), families is NULL"
            )
        }
        let limit: UInt32 = 1 << 16
        guard declared.kernel_count <= limit, declared.family_count <= limit else {
            throw .invalidArgument(
                "\(plugin): mlp_kernels: \(declared.kernel_count) kernels in \(declared.family_count) families; "
                    + "at most \(limit) of each can be declared"
            )
        }
        families = try Self.families(
            UnsafeBufferPointer(start: declared.families, count: Int(declared.family_count)),
            plugin
        )
        kernels = try Self.kernels(
            UnsafeBufferPointer(start: declared.kernels, count: Int(declared.kernel_count)),
            families.count,
            plugin
        )
    }

    private static func kernels(
        _ declared: UnsafeBufferPointer<mlp_kernel>,
        _ familyCount: Int,
        _ plugin: String
    ) throws(DeviceError) -> [Kernel] {
        var kernels: [Kernel] = []
        var names: Set<String> = []
        for (index, kernel) in declared.enumerated() {
            guard let name = kernel.name.map({ String(cString: $0) }), !name.isEmpty else {
                throw .invalidArgument("\(plugin): kernel \(index) has no name")
            }
            guard names.insert(name).inserted else {
                throw .invalidArgument("\(plugin): kernel \(index): the name \(name) is declared twice")
            }
            guard let signature = kernel.signature.map({ String(cString: $0) }) else {
                throw .invalidArgument("\(plugin): kernel \(name) has no signature (\"\" says that it takes nothing)")
            }
            for (place, letter) in signature.utf8.enumerated() where cffi_size(CChar(truncatingIfNeeded: letter)) == 0 {
                throw .invalidArgument(
                    "\(plugin): kernel \(name): letter \(place) of the signature \"\(signature)\" is none of p, i, l, f, d"
                )
            }
            guard signature.utf8.count <= maximumArguments else {
                throw .invalidArgument(
                    "\(plugin): kernel \(name) has \(signature.utf8.count) arguments; at most \(maximumArguments) can be "
                        + "passed: put the rest into a buffer"
                )
            }
            guard Int(kernel.family) < familyCount else {
                throw .invalidArgument(
                    "\(plugin): kernel \(name): family \(kernel.family) is none of the \(familyCount) declared"
                )
            }
            kernels.append(
                Kernel(name: name, signature: signature, twin: kernel.twin, family: Int(kernel.family))
            )
        }
        return kernels
    }

    private static func families(
        _ declared: UnsafeBufferPointer<mlp_kernel_family>,
        _ plugin: String
    ) throws(DeviceError) -> [Family] {
        var families: [Family] = []
        for (index, family) in declared.enumerated() {
            guard let name = family.name.map({ String(cString: $0) }), !name.isEmpty else {
                throw .invalidArgument("\(plugin): kernel family \(index) has no name")
            }
            // Files are named by it.
            let isPlain = name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
            guard isPlain, name.utf8.count <= 64 else {
                throw .invalidArgument(
                    "\(plugin): kernel family \(index): \"\(name)\" is no name: 1 to 64 letters, digits, '_' and '-'"
                )
            }
            guard !families.contains(where: { $0.name == name }) else {
                throw .invalidArgument("\(plugin): kernel family \(index): the name \(name) is declared twice")
            }
            guard let source = bytes(family.source) else {
                throw .invalidArgument("\(plugin): kernel family \(name): the source has a size and no data")
            }
            guard family.code_object_count == 0 || family.code_objects != nil, family.code_object_count <= 4096 else {
                throw .invalidArgument(
                    "\(plugin): kernel family \(name): code_object_count is \(family.code_object_count), which "
                        + "code_objects cannot be"
                )
            }
            var objects: [(target: String, image: UnsafeRawBufferPointer)] = []
            for object in UnsafeBufferPointer(start: family.code_objects, count: Int(family.code_object_count)) {
                guard let target = object.target.map({ String(cString: $0) }), let image = bytes(object.image) else {
                    throw .invalidArgument(
                        "\(plugin): kernel family \(name): code object \(objects.count) lacks its target or its data"
                    )
                }
                objects.append((target, image))
            }
            families.append(Family(name: name, source: source, codeObjects: objects))
        }
        return families
    }

    private static func bytes(_ bytes: mlp_bytes) -> UnsafeRawBufferPointer? {
        guard let count = Int(exactly: bytes.size), count == 0 || bytes.data != nil else { return nil }
        return UnsafeRawBufferPointer(start: bytes.data, count: count)
    }
}
