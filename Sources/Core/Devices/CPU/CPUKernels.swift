import CFFI
import CPluginAPI

/// Twins with their call signatures, ready for libffi.
final class CPUKernels: DeviceKernels, @unchecked Sendable {
    struct Kernel {
        let twin: (@convention(c) () -> Void)?
        let signature: UnsafeMutablePointer<cffi_signature>
        let count: UInt32
    }

    let plugin: String
    let count: UInt32
    private let kernels: UnsafeMutablePointer<Kernel>
    private let declared: [KernelTable.Kernel]

    init(_ table: KernelTable) throws(DeviceError) {
        plugin = table.plugin
        declared = table.kernels
        count = UInt32(table.kernels.count)
        kernels = .allocate(capacity: table.kernels.count)
        for (index, kernel) in table.kernels.enumerated() {
            guard let signature = cffi_signature_create(kernel.signature, UInt32(kernel.signature.utf8.count)) else {
                for made in 0..<index { cffi_signature_free(kernels[made].signature) }
                kernels.deallocate()
                throw .unsupported(
                    "\(table.plugin): kernel \(kernel.name): libffi refuses the signature \"\(kernel.signature)\""
                )
            }
            (kernels + index).initialize(
                to: Kernel(twin: kernel.twin, signature: signature, count: UInt32(kernel.signature.utf8.count))
            )
        }
    }

    deinit {
        for index in 0..<Int(count) { cffi_signature_free(kernels[index].signature) }
        kernels.deallocate()
    }

    func letters(of kernel: UInt32) -> String { declared[Int(kernel)].signature }

    /// The kernel if it can be called with these arguments.
    @inline(__always)
    func check(
        _ kernel: UInt32,
        _ arguments: UnsafePointer<UnsafeRawPointer?>?,
        _ argumentCount: UInt32
    ) throws(DeviceError) -> CPUKernel {
        guard kernel < count else {
            throw .invalidArgument("launch: kernel \(kernel) is none of the \(count) that \(plugin) declares")
        }
        let found = kernels[Int(kernel)]
        guard argumentCount == found.count else {
            throw .invalidArgument(
                "launch of \(name(kernel)): \(argumentCount) arguments for the signature \"\(letters(of: kernel))\""
            )
        }
        guard let twin = found.twin else {
            throw .unsupported("launch of \(name(kernel)): \(plugin) gives it no twin, so that it cannot run on a CPU")
        }
        if argumentCount > 0 {
            guard let arguments else { throw .invalidArgument("launch of \(name(kernel)): args is NULL") }
            for index in 0..<Int(argumentCount) where arguments[index] == nil {
                throw .invalidArgument("launch of \(name(kernel)): args[\(index)] is NULL; it must point at the value")
            }
        }
        return CPUKernel(twin: twin, signature: found.signature)
    }

    func name(_ kernel: UInt32) -> String { declared[Int(kernel)].name }
}

/// A kernel that can be called.
struct CPUKernel {
    let twin: @convention(c) () -> Void
    let signature: UnsafeMutablePointer<cffi_signature>
}

/// A launch with everything in place.
struct CPULaunch {
    let kernel: CPUKernel
    let grid: UnsafePointer<mlp_grid>
    let arguments: UnsafePointer<UnsafeRawPointer?>?

    /// Runs a range of a launch's blocks.
    static let runRange: ThreadPool.RangeBody = { context, first, last in
        guard let launch = context?.assumingMemoryBound(to: CPULaunch.self) else { return }
        cffi_call_range(
            launch.pointee.kernel.signature,
            launch.pointee.kernel.twin,
            launch.pointee.grid,
            first,
            last,
            launch.pointee.arguments
        )
    }
}
