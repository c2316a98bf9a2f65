import CGPU
import CPluginAPI
import Numerics
import Synchronization

/// Dense products by the vendor's library: hipBLASLt, else rocBLAS, or cuBLASLt.
///
/// The library chooses an algorithm once for each shape and device; the choice is kept. Each stream has a workspace of its
/// own, taken when it first needs one.
final class VendorGemm: DeviceGemm, @unchecked Sendable {
    let name: String
    /// The library chooses by the number of rows.
    let isBatchInvariant = false

    private let runtime: GPURuntime
    private let library: OpaquePointer
    /// Held while the state is read or changed, and while the library is called: a handle and a plan are used by one thread
    /// at a time.
    private let lock = Mutex(())
    private var state = State()

    /// What a product may use beside its operands: what PyTorch offers hipBLASLt on CDNA 3 and cuBLASLt on Hopper.
    private static let workspaceLimit: [DeviceKind: UInt64] = [.hip: 76 << 20, .cuda: 32 << 20]

    private struct State {
        var handles: [Int: UnsafeMutableRawPointer] = [:]
        var plans: [Key: OpaquePointer] = [:]
        var workspaces: [ObjectIdentifier: Workspace] = [:]
    }

    private struct Key: Hashable {
        let device: Int
        let shape: GemmShape
    }

    private struct Workspace {
        weak var stream: (any DeviceStream)?
        let device: Int
        let memory: UnsafeMutableRawPointer
        let size: UInt64
    }

    /// Opens the library and makes a handle on each device.
    ///
    /// - Parameters:
    ///   - runtime: What drives the devices.
    ///   - devices: Their ordinals.
    ///   - path: Where an interface's library is; nil: under its usual names.
    /// - Throws: `MLP_UNSUPPORTED` with what is missing.
    init(
        runtime: GPURuntime,
        devices: [Int],
        path: (podium_blas_interface) -> String? = GPULibraries.blas
    ) throws(DeviceError) {
        self.runtime = runtime
        let library = try Self.open(runtime.kind, path)
        self.library = library
        name = podium_blas_library(library).map { String(cString: $0) } ?? ""
        for device in devices {
            try runtime.use(device)
            var handle: UnsafeMutableRawPointer?
            var version: Int64 = 0
            let status = podium_blas_create(library, &handle, &version)
            guard status == 0, let handle else {
                throw .unsupported(
                    "\(runtime.kind):\(device): \(name)\(version > 0 ? " (version \(version))" : ""): a handle: "
                        + "\(words(status)) (\(status))"
                )
            }
            state.handles[device] = handle
        }
    }

    deinit {
        for plan in state.plans.values { podium_blas_release_plan(plan) }
        for workspace in state.workspaces.values {
            _ = runtime.functions.use(Int32(workspace.device))
            _ = runtime.functions.release(workspace.memory)
        }
        for (device, handle) in state.handles {
            _ = runtime.functions.use(Int32(device))
            _ = podium_blas_release(library, handle)
        }
    }

    private static func open(
        _ kind: DeviceKind,
        _ path: (podium_blas_interface) -> String?
    ) throws(DeviceError) -> OpaquePointer {
        let interfaces = kind == .hip ? [PODIUM_HIPBLASLT, PODIUM_ROCBLAS] : [PODIUM_CUBLASLT]
        var reasons: [String] = []
        for interface in interfaces {
            var problem = [CChar](repeating: 0, count: 1024)
            if let found = podium_blas_open(interface, path(interface), &problem, UInt64(problem.count)) {
                return found
            }
            reasons.append(problem.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        throw .unsupported("\(kind): no library for dense products: \(reasons.joined(separator: "; "))")
    }

    func prepare(_ shape: GemmShape, on stream: any DeviceStream) throws(DeviceError) {
        guard !stream.isRecording else {
            throw .invalidState("gemm of \(shape): prepare cannot be recorded; call it before")
        }
        let key = Key(device: stream.device, shape: shape)
        var failure: DeviceError?
        lock.withLock { _ in
            do throws(DeviceError) {
                let plan: OpaquePointer
                if let known = state.plans[key] { plan = known } else { plan = try makePlan(key) }
                state.plans[key] = plan
                try makeWorkspace(for: plan, stream)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    func multiply(_ shape: GemmShape, _ operands: GemmOperands, on stream: any DeviceStream) throws(DeviceError) {
        try operands.check(shape)
        let key = Key(device: stream.device, shape: shape)
        if try queue(key, operands, stream) { return }
        guard !stream.isRecording else {
            throw .invalidState("gemm of \(shape): call prepare before the recording; it chooses and takes memory")
        }
        try prepare(shape, on: stream)
        _ = try queue(key, operands, stream)
    }

    /// Queues a product if it was prepared.
    private func queue(
        _ key: Key,
        _ operands: GemmOperands,
        _ stream: any DeviceStream
    ) throws(DeviceError) -> Bool {
        try runtime.use(key.device)
        let status: Int32? = lock.withLock { _ in
            guard let plan = state.plans[key], let handle = state.handles[key.device] else { return nil }
            let workspace = state.workspaces[ObjectIdentifier(stream)]
            guard podium_blas_plan_workspace(plan) <= workspace?.size ?? 0 else { return nil }
            var all = podium_blas_operands(
                x: operands.x,
                w: operands.w,
                x_scales: operands.xScales,
                w_scales: operands.wScales,
                y: operands.y,
                workspace: workspace?.memory,
                workspace_size: workspace?.size ?? 0,
                stream: stream.native
            )
            return podium_blas_multiply(handle, plan, &all)
        }
        guard let status else { return false }
        guard status == 0 else {
            throw DeviceError(
                MLP_DEVICE_ERROR,
                "\(runtime.kind):\(key.device): gemm of \(key.shape): \(name): \(words(status)) (\(status))"
            )
        }
        return true
    }

    private func makePlan(_ key: Key) throws(DeviceError) -> OpaquePointer {
        let shape = key.shape
        guard let x = Self.type(shape.x), let w = Self.type(shape.w), let y = Self.type(shape.y) else {
            throw .unsupported("gemm of \(shape): \(name) is not asked for these types")
        }
        guard let handle = state.handles[key.device] else {
            throw .invalidArgument("gemm: \(runtime.kind):\(key.device) is not of this group")
        }
        var wanted = podium_blas_shape(
            m: UInt64(shape.m),
            n: UInt64(shape.n),
            k: UInt64(shape.k),
            x: x,
            w: w,
            y: y,
            scaling: podium_blas_scaling(rawValue: shape.scaling.rawValue)
        )
        try runtime.use(key.device)
        var plan: OpaquePointer?
        var problem = [CChar](repeating: 0, count: 1024)
        let limit = Self.workspaceLimit[runtime.kind] ?? 0
        let status = podium_blas_make_plan(library, handle, &wanted, limit, &plan, &problem, UInt64(problem.count))
        guard status == 0, let plan else {
            let reason = problem.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw .unsupported("\(runtime.kind):\(key.device): gemm of \(shape): \(reason)")
        }
        return plan
    }

    /// Gives the stream a workspace that is large enough for a plan.
    private func makeWorkspace(
        for plan: OpaquePointer,
        _ stream: any DeviceStream
    ) throws(DeviceError) {
        // A stream that is gone leaves its workspace, and its address to another.
        for (identifier, workspace) in state.workspaces where workspace.stream == nil {
            try release(workspace)
            state.workspaces[identifier] = nil
        }
        let identifier = ObjectIdentifier(stream)
        let size = podium_blas_plan_workspace(plan)
        guard size > state.workspaces[identifier]?.size ?? 0 else { return }
        if let smaller = state.workspaces[identifier] {
            try stream.synchronize()
            try release(smaller)
            state.workspaces[identifier] = nil
        }
        try runtime.use(stream.device)
        var memory: UnsafeMutableRawPointer?
        let error = runtime.functions.allocate(&memory, size)
        guard error == 0, let memory else {
            throw runtime.failure(error, device: stream.device, "\(size) bytes of workspace for \(name)")
        }
        state.workspaces[identifier] = Workspace(stream: stream, device: stream.device, memory: memory, size: size)
    }

    private func release(_ workspace: Workspace) throws(DeviceError) {
        try runtime.use(workspace.device)
        try runtime.check(
            runtime.functions.release(workspace.memory),
            device: workspace.device,
            "giving a workspace back"
        )
    }

    private func words(_ status: Int32) -> String {
        podium_blas_describe(library, status).map { String(cString: $0) } ?? "unknown status"
    }

    private static func type(_ type: ElementType) -> podium_blas_type? {
        switch type {
        case .f32: PODIUM_BLAS_F32
        case .f16: PODIUM_BLAS_F16
        case .bf16: PODIUM_BLAS_BF16
        case .f8e4m3: PODIUM_BLAS_F8E4M3
        case .f8e4m3fnuz: PODIUM_BLAS_F8E4M3FNUZ
        case .f4e2m1: PODIUM_BLAS_F4E2M1
        default: nil
        }
    }
}
