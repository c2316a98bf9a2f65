public import CPluginAPI

/// `mlp.gemm/1`: dense products y[m,n] = x[m,k] * w[n,k]^T on a stream, row-major, with sums in float32.
public struct Gemm: @unchecked Sendable {
    let host: UnsafePointer<mlp_host>
    let table: UnsafePointer<mlp_gemm>

    /// Whether a row's result does not depend on the other rows.
    public var isBatchInvariant: Bool { table.pointee.batch_invariant != 0 }

    /// Chooses how to multiply a shape on the stream's device, so that `multiply` allocates nothing and may be recorded.
    public func prepare(_ stream: Stream, _ shape: mlp_gemm_shape) throws {
        var shape = shape
        try check(table.pointee.prepare(host, stream.handle, &shape), "gemm.prepare")
    }

    /// Queues a product; the operands are in the device's memory.
    @inline(__always)
    public func multiply(_ stream: Stream, _ shape: mlp_gemm_shape, _ operands: mlp_gemm_operands) throws {
        var (shape, operands) = (shape, operands)
        try check(table.pointee.gemm(host, stream.handle, &shape, &operands), "gemm")
    }
}
