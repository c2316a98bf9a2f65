/// Which devices a run uses, as it is asked for: `cpu`, `hip`, `hip:0`, `cuda:2,3`.
public struct DeviceSelection: Sendable, Equatable, CustomStringConvertible {
    /// Which runtime drives them.
    public var kind: DeviceKind
    /// Their ordinals in the runtime's own order; empty for the first ones.
    public var ordinals: [Int]

    /// The processor.
    public static let cpu = DeviceSelection(kind: .cpu)

    /// A selection.
    ///
    /// - Parameters:
    ///   - kind: Which runtime drives the devices.
    ///   - ordinals: Which of its devices; empty for the first ones.
    public init(kind: DeviceKind, ordinals: [Int] = []) {
        self.kind = kind
        self.ordinals = ordinals
    }

    /// Reads `kind` or `kind:ordinal,ordinal`; nil if it is neither.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch parts[0].lowercased() {
        case "cpu": kind = .cpu
        case "hip", "rocm", "amd": kind = .hip
        case "cuda", "nvidia": kind = .cuda
        default: return nil
        }
        ordinals = []
        guard parts.count == 2 else { return }
        guard kind != .cpu else { return nil }
        for word in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
            guard let ordinal = Int(word), (0..<4096).contains(ordinal), !ordinals.contains(ordinal) else { return nil }
            ordinals.append(ordinal)
        }
    }

    /// The part of the selection that belongs to one of several groups of `size` devices.
    ///
    /// - Parameters:
    ///   - place: Which group.
    ///   - size: Devices in each.
    /// - Returns: The group's devices, named; those of the CPU have no numbers.
    func group(_ place: Int, of size: Int) -> DeviceSelection {
        guard kind != .cpu else { return self }
        let places = (place * size)..<((place + 1) * size)
        guard !ordinals.isEmpty else { return DeviceSelection(kind: kind, ordinals: Array(places)) }
        return DeviceSelection(kind: kind, ordinals: Array(ordinals.dropFirst(places.lowerBound).prefix(size)))
    }

    /// `cpu`, `hip:0,1`.
    public var description: String {
        ordinals.isEmpty ? kind.word : "\(kind.word):" + ordinals.map(String.init).joined(separator: ",")
    }

    /// The ordinals of a group of `count` devices.
    ///
    /// - Parameters:
    ///   - count: How many are needed.
    ///   - available: How many the runtime has.
    /// - Returns: Those that were named, or the first.
    /// - Throws: `MLP_INVALID_ARGUMENT` when too few are named or there.
    func ordinals(count: Int, of available: Int) throws(DeviceError) -> [Int] {
        guard !ordinals.isEmpty else {
            guard count <= available else {
                throw .invalidArgument("\(count) devices are asked for; \(kind.word) has \(available)")
            }
            return Array(0..<count)
        }
        guard count <= ordinals.count else {
            throw .invalidArgument("\(count) devices are asked for; \(self) names \(ordinals.count)")
        }
        let chosen = Array(ordinals.prefix(count))
        if let missing = chosen.first(where: { $0 >= available }) {
            throw .invalidArgument(
                "\(kind.word):\(missing) is none of the \(available) \(kind.word) devices there are; `host devices` lists them"
            )
        }
        return chosen
    }
}

extension DeviceKind: CustomStringConvertible {
    /// `cpu`, `hip` or `cuda`.
    public var word: String {
        switch self {
        case .cpu: "cpu"
        case .hip: "hip"
        case .cuda: "cuda"
        }
    }

    /// The same.
    public var description: String { word }
}
