import CPluginAPI
import Glibc

@testable import Core

/// The driver for GPUs that are not there, which the build puts beside the tests.
enum FakeDriver {
    /// Its path.
    static let path: String = {
        for candidate in ["/proc/self/exe", CommandLine.arguments[0]] {
            guard let real = realpath(candidate, nil) else { continue }
            defer { free(real) }
            let library = String(cString: real).split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
            if access(library + "/libFakeDriver.so", R_OK) == 0 { return library + "/libFakeDriver.so" }
        }
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        return root + "/.build/release/libFakeDriver.so"
    }()

    /// Sets the machine that it pretends to be.
    static func configure(_ text: String) {
        typealias Configure = @convention(c) (UnsafePointer<CChar>?) -> Void
        guard let handle = dlopen(path, RTLD_NOW), let symbol = dlsym(handle, "fake_driver_configure") else { return }
        unsafeBitCast(symbol, to: Configure.self)(text)
    }

    /// A backend on it.
    static func backend(_ kind: DeviceKind, compiler: (any KernelCompiler)? = nil) throws -> GPUBackend {
        try GPUBackend(GPURuntime(kind, library: path), compiler: compiler)
    }
}

/// Declares `fake_saxpy` and `fake_iota`, which the driver knows by name.
final class FakeKernels {
    private let names = ["fake_saxpy", "fake_iota"].map { (name: String) in strdup(name) }
    private let signatures = ["ppfi", "pi"].map { (letters: String) in strdup(letters) }
    private let kernels: UnsafeMutablePointer<mlp_kernel>
    private let family: UnsafeMutablePointer<mlp_kernel_family>
    private let object: UnsafeMutablePointer<mlp_code_object>
    private let texts: [UnsafeMutablePointer<CChar>?]
    private let table: UnsafeMutablePointer<mlp_kernels>

    var declared: UnsafePointer<mlp_kernels> { UnsafePointer(table) }

    /// - Parameters:
    ///   - target: What the one code object is for; nil: there is none.
    ///   - image: Its text.
    ///   - source: The family's source.
    init(target: String?, image: String = "fake fake_saxpy fake_iota", source: String = "") {
        texts = [strdup(image), strdup(source), target.flatMap { (target: String) in strdup(target) }]
        kernels = .allocate(capacity: 2)
        for index in 0..<2 {
            (kernels + index).initialize(
                to: mlp_kernel(
                    name: names[index],
                    signature: signatures[index],
                    twin: nil,
                    family: 0,
                    reserved: 0
                )
            )
        }
        object = .allocate(capacity: 1)
        object.initialize(
            to: mlp_code_object(
                target: texts[2],
                image: mlp_bytes(data: texts[0], size: UInt64(image.utf8.count + 1)),
                reserved: 0
            )
        )
        family = .allocate(capacity: 1)
        family.initialize(
            to: mlp_kernel_family(
                name: names[0],
                source: mlp_bytes(data: texts[1], size: UInt64(source.utf8.count)),
                code_objects: target == nil ? nil : UnsafePointer(object),
                code_object_count: target == nil ? 0 : 1,
                reserved: 0
            )
        )
        table = .allocate(capacity: 1)
        table.initialize(
            to: mlp_kernels(
                struct_size: UInt32(MemoryLayout<mlp_kernels>.size),
                kernel_count: 2,
                kernels: UnsafePointer(kernels),
                families: UnsafePointer(family),
                family_count: 1,
                reserved: 0,
                example: nil,
                benchmark: nil
            )
        )
    }
}
