import CPluginAPI
public import JSON

/// What a library says of a workload before any instance exists; `host describe` prints it.
public struct WorkloadDeclaration: Sendable {
    /// "mlperf.llama2-70b", or reverse DNS for third parties: "com.example.thing".
    public var id: String
    /// A line for people.
    public var title: String
    /// The workload's own version.
    public var version: String
    /// MLPerf's name for the benchmark, as in mlperf.conf, if it is one.
    public var benchmark: String?
    /// The options of `model_config.*`.
    public var options: [OptionDeclaration]

    /// A declaration from its parts.
    public init(
        id: String,
        title: String,
        version: String,
        benchmark: String? = nil,
        options: [OptionDeclaration] = []
    ) {
        self.id = id
        self.title = title
        self.version = version
        self.benchmark = benchmark
        self.options = options
    }
}

/// A workload: one class, whose instances own a group of devices each.
///
/// Optional abilities are protocols: conforming to `DatasetProviding`, `InferenceProviding`, `TokenizerProviding`,
/// `WeightsProviding`, `KernelsProviding`, `AccuracyProviding` or `QuantizationProviding` *is* offering the extension.
/// Threads and states are those of mlp_plugin.h, where every function's tag stands.
public protocol Workload: AnyObject {
    /// What the library says of it.
    static var declaration: WorkloadDeclaration { get }
    /// Reads small metadata; touches no tensor data and no device.  A thrown error refuses the configuration.
    init(host: Host, configuration: Configuration) throws
    /// created -> ready; slow work goes here.
    func prepare() throws
    /// ready -> running.
    func start() throws
    /// running -> ready; no completion after it.
    func stop() throws
}

extension Workload {
    /// Nothing to prepare.
    public func prepare() throws {}
    /// Nothing to start.
    public func start() throws {}
    /// Nothing to stop.
    public func stop() throws {}
}

/// The part of a run that an instance plays.
public enum Role: String, Sendable {
    /// Owns the samples, the tokenizer and the scoring; needs neither weights nor device.
    case head
    /// Computes; needs no data set.
    case worker
    /// One process doing both.
    case both

    /// Whether the instance answers for the samples.
    public var ownsSamples: Bool { self != .worker }
    /// Whether the instance computes.
    public var computes: Bool { self != .head }
}

/// What the host passes to `create`.
public struct Configuration: Sendable {
    /// The part this instance plays.
    public var role: Role
    /// Folder of the checkpoint.
    public var model: String?
    /// File or folder of the samples.
    public var dataset: String?
    /// Size of the device group.
    public var deviceCount: Int
    /// What each device of the group is; the processor where the host does not say.
    public var device: DeviceTarget
    /// One member for every declared option, checked, with defaults filled in.
    public var options: JSONObject

    init(json text: UnsafePointer<CChar>?) throws {
        guard let text else { throw PluginError(.invalidArgument, "create: config is NULL") }
        let config = try JSON(parsing: String(cString: text), source: "config of create")
        guard case .object(let object) = config else {
            throw PluginError(.invalidArgument, "create: config is not a JSON object")
        }
        func string(_ key: String) throws -> String? {
            switch object[key] {
            case nil, .null?: return nil
            case .string(let value)?: return value
            default: throw PluginError(.invalidArgument, "create: config: \(key): expected a string")
            }
        }
        let roleName = try string("role") ?? Role.both.rawValue
        guard let role = Role(rawValue: roleName) else {
            throw PluginError(
                .invalidArgument,
                "create: config: role: expected head, worker or both, found \"\(roleName)\""
            )
        }
        self.role = role
        model = try string("model")
        dataset = try string("dataset")
        if case .integer(let count)? = object["devices"] {
            guard (0...65536).contains(count) else {
                throw PluginError(.invalidArgument, "create: config: devices: \(count) is out of range")
            }
            deviceCount = Int(count)
        } else {
            deviceCount = 1
        }
        switch object["device"] {
        case nil, .null?: device = .cpu
        case .object(let value)?: device = try DeviceTarget(value)
        default: throw PluginError(.invalidArgument, "create: config: device: expected an object")
        }
        switch object["options"] {
        case nil, .null?: options = JSONObject()
        case .object(let value)?: options = value
        default: throw PluginError(.invalidArgument, "create: config: options: expected an object")
        }
    }

    private func unexpected(_ name: String, _ kind: String) -> PluginError {
        PluginError(
            .invalidArgument,
            "model_config.\(name): expected \(kind), found \(options[name]?.text() ?? "nothing")"
        )
    }

    /// The value of a boolean option.
    public func boolean(_ name: String) throws -> Bool {
        guard case .bool(let value)? = options[name] else { throw unexpected(name, "true or false") }
        return value
    }

    /// The value of an integer option.
    public func integer(_ name: String) throws -> Int {
        guard case .integer(let value)? = options[name] else { throw unexpected(name, "an integer") }
        return Int(value)
    }

    /// The value of a number option.
    public func number(_ name: String) throws -> Double {
        switch options[name] {
        case .number(let value)?: return value
        case .integer(let value)?: return Double(value)
        default: throw unexpected(name, "a number")
        }
    }

    /// The value of a string or path option, if it has one.
    public func string(_ name: String) throws -> String? {
        switch options[name] {
        case .string(let value)?: return value
        case nil, .null?: return nil
        default: throw unexpected(name, "a string")
        }
    }
}
