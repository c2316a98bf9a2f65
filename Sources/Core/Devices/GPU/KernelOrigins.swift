/// Where the code of a plugin's kernel families came from, for one kind of device.
public struct KernelOrigins: Sendable {
    /// A place that code comes from, the first that has it.
    public enum Place: String, Sendable, CaseIterable {
        /// `mlp_kernel_family.code_objects`.
        case embedded = "embedded in the plugin"
        /// `libX.kernels/`.
        case beside = "beside the plugin"
        /// An earlier compilation in the user's cache folder.
        case kept = "compiled earlier"
        /// A compilation for this run.
        case compiled = "compiled now"
        /// None: its kernels cannot be launched.
        case none = "not there"
    }

    /// What the devices are.
    public let target: String
    /// Each family's place, in the order of the plugin's table.
    public internal(set) var families: [(name: String, place: Place)] = []
    /// Objects that were passed over, and why; families that have no code, and why.
    public internal(set) var notes: [String] = []

    /// `kernels for gfx950: beside the plugin: norm, rope; compiled now: gemm`.
    public var sentence: String {
        var parts: [String] = []
        for place in Place.allCases {
            let names = families.filter { $0.place == place }.map(\.name)
            if !names.isEmpty { parts.append("\(place.rawValue): \(names.joined(separator: ", "))") }
        }
        return "kernels for \(target): \(parts.isEmpty ? "none" : parts.joined(separator: "; "))"
    }
}
