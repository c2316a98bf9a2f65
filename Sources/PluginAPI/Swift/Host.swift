public import CPluginAPI

/// What the host offers to one instance.
///
/// Services that are always there are properties; a host without one of them refuses at creation, in `init`.
public struct Host: @unchecked Sendable {
    /// The table itself.
    public let table: UnsafePointer<mlp_host>

    init(_ table: UnsafePointer<mlp_host>) { self.table = table }

    /// The levels of `log`.
    public enum LogLevel: Int32, Sendable {
        case debug = 0, info, warning, error
    }

    /// Hands a line to the host's log.
    public func log(_ level: LogLevel, _ message: String) { table.pointee.log(table, level.rawValue, message) }

    /// A service by id, or nil.
    ///
    /// Read members beyond the service's first release only after checking `struct_size`.
    public func service<Table>(_ id: String, as: Table.Type) -> UnsafePointer<Table>? {
        table.pointee.service(table, id)?.assumingMemoryBound(to: Table.self)
    }

    private func required<Table>(_ id: String, as type: Table.Type) throws -> UnsafePointer<Table> {
        guard let found = service(id, as: type) else {
            throw PluginError(.unsupported, "the host does not offer the service \(id)")
        }
        return found
    }

    /// `mlp.samples/1`.
    public func samples() throws -> Samples {
        Samples(host: table, table: try required(MLP_SAMPLES, as: mlp_samples.self))
    }
    /// `mlp.device/1`.
    public func devices() throws -> Devices {
        Devices(host: table, table: try required(MLP_DEVICE, as: mlp_device.self))
    }
    /// `mlp.launch/1`.
    public func launcher() throws -> Launcher {
        Launcher(host: table, table: try required(MLP_LAUNCH, as: mlp_launch.self))
    }
    /// `mlp.gemm/1`.
    public func gemm() throws -> Gemm { Gemm(host: table, table: try required(MLP_GEMM, as: mlp_gemm.self)) }
    /// `mlp.pool/1`.
    public func pool() throws -> Pool { Pool(host: table, table: try required(MLP_POOL, as: mlp_pool.self)) }
}

/// Turns a status of the host's into a thrown error.
@inline(__always)
func check(_ status: mlp_status, _ call: StaticString) throws {
    if status != .ok { throw PluginError(status, "\(call) failed with status \(status)") }
}

/// `mlp.samples/1`: reporting results.
public struct Samples: @unchecked Sendable {
    let host: UnsafePointer<mlp_host>
    let table: UnsafePointer<mlp_samples>

    /// Reports first tokens; returns the first bad one's status.
    @discardableResult
    public func firstToken(_ results: UnsafeBufferPointer<mlp_result>) -> mlp_status {
        table.pointee.first_token(host, results.baseAddress, UInt64(results.count))
    }

    /// Completes samples; returns the first bad one's status.
    @discardableResult
    public func complete(_ results: UnsafeBufferPointer<mlp_result>) -> mlp_status {
        table.pointee.complete(host, results.baseAddress, UInt64(results.count))
    }

    /// Completes one sample.
    @discardableResult
    public func complete(
        _ id: mlp_sample_id,
        status: mlp_status = .ok,
        data: UnsafeRawBufferPointer = .init(start: nil, count: 0),
        tokenCount: UInt64 = 0
    ) -> mlp_status {
        var result = mlp_result(
            id: id,
            status: status,
            reserved: 0,
            data: mlp_bytes(data: data.baseAddress, size: UInt64(data.count)),
            token_count: tokenCount
        )
        return table.pointee.complete(host, &result, 1)
    }
}

/// `mlp.pool/1`: the host's threads.
public struct Pool: @unchecked Sendable {
    let host: UnsafePointer<mlp_host>
    let table: UnsafePointer<mlp_pool>

    /// How many threads share the work.
    public var threadCount: Int { Int(table.pointee.threads(host)) }

    /// Runs `body` once for every index below `count`, on the pool's threads, and waits.
    public func parallelFor(_ count: Int, _ body: (Int) -> Void) throws {
        // The closure is borrowed for the duration of the call, which parallel_for guarantees to outlive every body.
        try withoutActuallyEscaping(body) { body in
            var box = ParallelBody(run: body)
            let status = withUnsafeMutablePointer(to: &box) { box in
                table.pointee.parallel_for(
                    host,
                    UInt64(max(0, count)),
                    { context, index in
                        context?.assumingMemoryBound(to: ParallelBody.self).pointee.run(Int(index))
                    },
                    box
                )
            }
            try check(status, "parallel_for")
        }
    }
}

private struct ParallelBody { let run: (Int) -> Void }
