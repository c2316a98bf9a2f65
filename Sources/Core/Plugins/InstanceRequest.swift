public import JSON

/// What an instance is created from.
public struct InstanceRequest: Sendable {
    /// Position of the workload in its library.
    public var workload: Int
    /// "head", "worker" or "both".
    public var role: String
    /// Folder of the checkpoint.
    public var model: String?
    /// File or folder of the samples.
    public var dataset: String?
    /// The workload's options, checked and complete.
    public var options: JSON
    /// Which devices, for a worker.
    public var device: DeviceSelection
    /// Devices in the group.
    public var deviceCount: Int
    /// Threads of the cpu backend; nil for one for each usable CPU.
    public var threads: Int?
    /// How long calls may take.
    public var limits: CallLimits
    /// Which of several instances it is, for messages; nil where it is alone.
    var name: String?
    /// Among how many instances the processor's memory is shared.
    var instanceCount = 1

    /// A request for one workload of a library.
    public init(
        workload: Int,
        role: String = "both",
        model: String? = nil,
        dataset: String? = nil,
        options: JSON,
        device: DeviceSelection = .cpu,
        deviceCount: Int = 1,
        threads: Int? = nil,
        limits: CallLimits = CallLimits()
    ) {
        self.workload = workload
        self.role = role
        self.model = model
        self.dataset = dataset
        self.options = options
        self.device = device
        self.deviceCount = deviceCount
        self.threads = threads
        self.limits = limits
    }

    /// A log that says which of several instances a line is from.
    func naming(_ log: @escaping HostContext.LogHandler) -> HostContext.LogHandler {
        guard let name else { return log }
        return { level, message in log(level, "\(name): \(message)") }
    }

    /// The group of devices of a worker; nil for a head.
    func devices(of library: PluginLibrary) throws(DeviceError) -> DeviceGroup? {
        guard role != "head" else { return nil }
        return try DeviceGroup.selected(
            device,
            count: deviceCount,
            threads: threads,
            memoryBudget: SystemMemory.available / UInt64(max(1, instanceCount)),
            plugin: library.path
        )
    }

    /// The requests of `count` workers, among which devices and threads of the CPU are shared out.
    ///
    /// - Parameter count: How many; each gets `deviceCount` devices.
    /// - Returns: One request for each, in the order of the devices.
    func shared(among count: Int) -> [InstanceRequest] {
        (0..<count).map { place in
            var request = self
            request.role = "worker"
            request.device = device.group(place, of: deviceCount)
            request.threads = max(1, (threads ?? ThreadPool.usableCPUs) / count)
            request.instanceCount = count
            request.name = "instance \(place + 1) of \(count)" + (device.kind == .cpu ? "" : ", \(request.device)")
            return request
        }
    }

    /// The JSON object that `create` gets.
    ///
    /// - Parameter devices: The group of a worker; nil for a head.
    /// - Returns: The configuration as the contract has it.
    func config(on devices: DeviceGroup?) -> JSON {
        var members: [(String, JSON)] = [("role", .string(role))]
        if let model { members.append(("model", .string(model))) }
        if let dataset { members.append(("dataset", .string(dataset))) }
        members.append(("devices", .integer(Int64(deviceCount))))
        if let devices {
            let kind = JSON.string(devices.backend.kind.word)
            members.append(("device", .object(["kind": kind, "architecture": .string(devices.architecture)])))
        }
        members.append(("options", options))
        return .object(JSONObject(members))
    }
}

extension InstanceRequest {
    init(from content: inout WireReader) throws {
        workload = Int(try content.uint32())
        role = try content.string()
        model = try content.optionalString()
        dataset = try content.optionalString()
        options = try JSON(parsing: try content.string(), source: "options")
        let selection = try content.string()
        guard let known = DeviceSelection(selection) else { throw WireError(reason: "device \(selection) is none") }
        device = known
        deviceCount = Int(try content.uint32())
        let threadCount = Int(try content.uint32())
        threads = threadCount == 0 ? nil : threadCount
        instanceCount = Int(try content.uint32())
        limits = CallLimits()
        limits.control = try content.double()
        limits.work = try content.double()
    }

    func write(to content: inout WireWriter) {
        content.put(UInt32(workload))
        content.put(role)
        content.put(model)
        content.put(dataset)
        content.put(options.text())
        content.put(device.description)
        content.put(UInt32(deviceCount))
        content.put(UInt32(threads ?? 0))
        content.put(UInt32(instanceCount))
        content.put(limits.control)
        content.put(limits.work)
    }
}

extension WorkloadDescription {
    init(from content: inout WireReader) throws {
        id = try content.string()
        title = try content.string()
        version = try content.string()
        benchmark = try content.optionalString()
        options = try content.string()
    }

    func write(to content: inout WireWriter) {
        content.put(id)
        content.put(title)
        content.put(version)
        content.put(benchmark)
        content.put(options)
    }
}

extension LoadedInstance {
    /// Creates an instance on a device group of its own.
    convenience init(
        library: PluginLibrary,
        request: InstanceRequest,
        configText: UnsafePointer<CChar>? = nil,
        afterCreate: (() -> Void)? = nil,
        log: @escaping HostContext.LogHandler
    ) throws {
        let devices: DeviceGroup?
        do {
            devices = try request.devices(of: library)
        } catch {
            // Which devices there are is not the plugin's doing.
            throw PluginFault(
                .refused,
                library: library.path,
                call: "device \(request.device)",
                status: error.status,
                reason: error.message
            )
        }
        try self.init(
            library: library,
            position: request.workload,
            config: request.config(on: devices),
            role: request.role,
            modelFolder: request.model,
            devices: devices,
            limits: request.limits,
            configText: configText,
            afterCreate: afterCreate,
            log: log
        )
    }
}
