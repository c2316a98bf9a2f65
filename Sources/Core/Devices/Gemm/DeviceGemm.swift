/// Dense products on a backend's devices.
///
/// All functions may be called on any thread; a stream is used by one thread at a time.
public protocol DeviceGemm: AnyObject, Sendable {
    /// What multiplies, for people: `libhipblaslt.so.1`, `podium_gemm`.
    var name: String { get }

    /// Whether a row's result does not depend on the other rows.
    var isBatchInvariant: Bool { get }

    /// Decides how to multiply a shape on the stream's device and takes the memory that this needs.
    ///
    /// - Throws: `MLP_UNSUPPORTED` for a shape that cannot be multiplied; `MLP_INVALID_STATE` while the stream is recorded.
    func prepare(_ shape: GemmShape, on stream: any DeviceStream) throws(DeviceError)

    /// Queues a product; a shape that was not prepared is prepared first.
    func multiply(_ shape: GemmShape, _ operands: GemmOperands, on stream: any DeviceStream) throws(DeviceError)
}

/// Which products a group is given.
public enum GemmChoice: String, Sendable, CaseIterable {
    /// The vendor's library on a GPU that has one, else our kernels.
    case automatic
    /// The vendor's library.
    case vendor
    /// Our kernels: the same bits for a row whatever rows are beside it.
    case kernels
}

extension DeviceGroup {
    /// Dense products for the group's devices.
    ///
    /// - Throws: `MLP_UNSUPPORTED` with what is missing.
    public func makeGemm(_ choice: GemmChoice) throws(DeviceError) -> any DeviceGemm {
        if choice == .kernels || backend.kind == .cpu {
            guard choice != .vendor else {
                throw .unsupported("cpu: no vendor's library multiplies here; the kernels do (podium_gemm)")
            }
            return try KernelGemm(backend: backend, devices: devices)
        }
        guard let backend = backend as? GPUBackend else {
            throw .unsupported("\(backend.kind): its vendor's library is not known")
        }
        do throws(DeviceError) {
            return try VendorGemm(runtime: backend.runtime, devices: devices)
        } catch {
            guard choice == .automatic else { throw error }
            return try KernelGemm(backend: backend, devices: devices)
        }
    }
}
