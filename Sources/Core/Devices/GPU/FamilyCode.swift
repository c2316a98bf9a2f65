import Files

/// The places where a kernel family's code for a target may be, in the order in which they are asked.
struct FamilyCode {
    /// An object that has passed the checks.
    struct Object {
        /// Embedded or beside.
        var place: KernelOrigins.Place
        /// What to call it in messages.
        var name: String
        private let bytes: [UInt8]
        private let image: UnsafeRawBufferPointer?

        init(embedded image: UnsafeRawBufferPointer, name: String) {
            (place, self.name, bytes, self.image) = (.embedded, name, [], image)
        }

        init(file: String, bytes: [UInt8]) {
            (place, name, self.bytes, image) = (.beside, file, bytes, nil)
        }

        func withImage<Result>(_ body: (UnsafeRawPointer?) -> Result) -> Result {
            if let image { return body(image.baseAddress) }
            return bytes.withUnsafeBytes { body($0.baseAddress) }
        }
    }

    /// "libX.so: kernel family gemm".
    let who: String
    /// The objects for the target that have passed the checks.
    private(set) var objects: [Object] = []
    /// Which were passed over, and why.
    private(set) var notes: [String] = []
    private let plugin: String
    private let family: KernelTable.Family
    private let device: DeviceProperties
    private let compiler: (any KernelCompiler)?
    private var made: Result<CompiledImage, DeviceError>?

    /// Looks for objects.
    ///
    /// - Parameters:
    ///   - table: What the plugin declares.
    ///   - index: Which of its families.
    ///   - device: What the code is for.
    ///   - folder: Where objects may lie.
    ///   - compiler: What makes an image of the source.
    init(
        _ table: KernelTable,
        family index: Int,
        on device: DeviceProperties,
        folder: CodeObjectFolder,
        compiler: (any KernelCompiler)?
    ) {
        plugin = table.plugin
        family = table.families[index]
        who = "\(table.plugin): kernel family \(table.families[index].name)"
        self.device = device
        self.compiler = compiler
        let target = device.architecture
        let kernels = table.kernels.filter { $0.family == index }.map(\.name)
        for (made, image) in family.codeObjects where made == target && !image.isEmpty {
            let name = "\(who): the embedded code object for \(target)"
            if CodeObject.isELF(image),
                let fault = CodeObject.fault(in: image, target: target, kind: device.kind, kernels: kernels)
            {
                notes.append("\(name) is passed over: \(fault)")
            } else {
                objects.append(Object(embedded: image, name: name))
            }
        }
        do throws(FileError) {
            guard let (file, image) = try folder.object(of: family, target: target) else { return }
            let fault = image.withUnsafeBytes {
                CodeObject.fault(in: $0, target: target, kind: device.kind, kernels: kernels)
            }
            if let fault {
                notes.append("\(file) is passed over: \(fault)")
            } else {
                objects.append(Object(file: file, bytes: image))
            }
        } catch {
            notes.append("\(error); it is passed over")
        }
    }

    /// Whether the source can be turned to when an object cannot be used.
    var canCompile: Bool { !family.source.isEmpty && compiler != nil }

    /// What the compiler makes of the source; it works once.
    ///
    /// - Throws: `MLP_UNSUPPORTED` where there is no source, no compiler, or no code comes out.
    mutating func compiled() throws(DeviceError) -> CompiledImage {
        if let made { return try made.get() }
        let family = family
        let result = Result { () throws(DeviceError) in try compile(family) }
        made = result
        return try result.get()
    }

    private func compile(_ family: KernelTable.Family) throws(DeviceError) -> CompiledImage {
        let target = device.architecture
        guard !family.source.isEmpty else {
            throw .unsupported("\(who) has neither a code object for \(target) nor a source")
        }
        guard let compiler else {
            throw .unsupported("\(who) has no code object for \(target), and no compiler was found for its source")
        }
        return try compiler.image(of: family, plugin: plugin, target: target, kind: device.kind)
    }
}
