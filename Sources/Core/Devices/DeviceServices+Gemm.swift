import CPluginAPI
import Synchronization

extension DeviceServices {
    /// The table of `MLP_GEMM` for a group: what multiplies is decided when it is asked for first, and stays.
    static func gemm(of group: DeviceGroup) -> UnsafePointer<mlp_gemm> {
        guard case .success(let gemm) = decided(group) else { return vendorGemm }
        return gemm.isBatchInvariant ? invariantGemm : vendorGemm
    }

    nonisolated(unsafe) private static let invariantGemm = gemmTable(isBatchInvariant: 1)
    nonisolated(unsafe) private static let vendorGemm = gemmTable(isBatchInvariant: 0)

    private static func gemmTable(isBatchInvariant: UInt32) -> UnsafePointer<mlp_gemm> {
        table(
            mlp_gemm(
                struct_size: UInt32(MemoryLayout<mlp_gemm>.size),
                batch_invariant: isBatchInvariant,
                prepare: { host, stream, shape in
                    DeviceServices.call(host, "gemm") { (group) throws(DeviceError) in
                        let stream = try DeviceServices.find(stream, in: group, "gemm")
                        guard let shape else { throw .invalidArgument("gemm: shape is NULL") }
                        try DeviceServices.decided(group).get().prepare(GemmShape(shape.pointee), on: stream)
                    }
                },
                gemm: { host, stream, shape, operands in
                    DeviceServices.call(host, "gemm") { (group) throws(DeviceError) in
                        let stream = try DeviceServices.find(stream, in: group, "gemm")
                        guard let shape else { throw .invalidArgument("gemm: shape is NULL") }
                        guard let operands else { throw .invalidArgument("gemm: operands is NULL") }
                        let checked = try GemmShape(shape.pointee)
                        try DeviceServices.decided(group).get().multiply(
                            checked,
                            GemmOperands(operands.pointee, checked),
                            on: stream
                        )
                    }
                }
            )
        )
    }

    private static func decided(_ group: DeviceGroup) -> Result<any DeviceGemm, DeviceError> {
        group.gemm.withLock { gemm in
            if let gemm { return gemm }
            let made: Result<any DeviceGemm, DeviceError>
            do throws(DeviceError) {
                made = .success(try group.makeGemm(.automatic))
            } catch {
                made = .failure(error)
            }
            gemm = made
            return made
        }
    }
}
