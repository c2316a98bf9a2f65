import CPluginAPI
import JSON

/// What kernels, and layouts made for them, are meant for.
public struct DeviceTarget: Sendable, Hashable {
    /// `MLP_DEVICE_CPU`, `MLP_DEVICE_HIP` or `MLP_DEVICE_CUDA`.
    public var kind: Int32
    /// As `mlp_device_properties` has it: "gfx950", "sm_90", "x86-64-avx512".
    public var architecture: String

    /// A target of a kind and an architecture.
    public init(kind: Int, architecture: String) {
        self.kind = Int32(truncatingIfNeeded: kind)
        self.architecture = architecture
    }

    /// The processor, of whatever instruction set.
    public static let cpu = DeviceTarget(kind: MLP_DEVICE_CPU, architecture: "")

    /// The `device` member of what `create` gets.
    init(_ device: JSONObject) throws {
        guard case .string(let kind)? = device["kind"], case .string(let architecture)? = device["architecture"],
            let number = ["cpu": MLP_DEVICE_CPU, "hip": MLP_DEVICE_HIP, "cuda": MLP_DEVICE_CUDA][kind]
        else {
            throw PluginError(
                .invalidArgument,
                "create: config: device: expected a kind of cpu, hip or cuda, and an architecture"
            )
        }
        self.init(kind: number, architecture: architecture)
    }
}
