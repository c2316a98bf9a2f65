internal import Glibc
public import JSON

/// `systems/<system>.json`: what the system is that was measured.
public struct SystemDescription: Sendable {
    /// What begins a value that nobody has filled in yet; ``SubmissionCheck`` names such values.
    public static let placeholderMark = "TO FILL IN"

    /// Fields and values, in order.
    public var members: JSONObject

    /// What can be told of this machine, for results that were made on it; the rest is marked to be filled in.
    ///
    /// - Parameters:
    ///   - name: The system's name.
    ///   - accelerators: Kind and number of accelerators in each node; nil for none.
    ///   - framework: What ran the model.
    ///   - request: Submitter, division, type and status.
    /// - Returns: The description, every field of the rounds in it.
    static func detected(
        name: String,
        accelerators: (kind: String, count: Int)?,
        framework: String,
        request: SubmissionRequest
    ) -> SystemDescription {
        let machine = MachineFacts.read()
        func fact(_ value: String?, _ what: String) -> JSON { .string(value ?? "\(placeholderMark): \(what)") }
        func accelerator(_ what: String) -> JSON {
            .string(accelerators == nil ? "N/A" : "\(placeholderMark): \(what)")
        }
        return SystemDescription(
            members: [
                "division": .string(request.division), "submitter": .string(request.submitter),
                "status": .string(request.status), "system_type": .string(request.systemType.rawValue),
                "system_type_detail": "", "system_name": .string(name), "number_of_nodes": "1",
                "host_processor_model_name": fact(machine.processor, "the processor's model"),
                "host_processors_per_node": fact(machine.sockets.map { "\($0)" }, "number of processors"),
                "host_processor_core_count": fact(machine.coresPerSocket.map { "\($0)" }, "cores of each processor"),
                "host_processor_frequency": .string(machine.frequency ?? ""),
                "host_processor_caches": .string(machine.caches ?? ""), "host_processor_interconnect": "",
                "host_memory_capacity": fact(machine.memory, "memory of each node"),
                "host_memory_configuration": fact(nil, "number, size and type of memory modules"),
                "host_storage_capacity": fact(machine.storage, "capacity of the storage"),
                "host_storage_type": fact(machine.storageType, "type of the storage"),
                "host_networking": fact(machine.network, "type of the network"),
                "host_network_card_count": fact(machine.networkCards.map { "\($0)" }, "number of network cards"),
                "host_networking_topology": "N/A",
                "accelerators_per_node": .string("\(accelerators?.count ?? 0)"),
                "accelerator_model_name": accelerator("model of the \(accelerators?.kind ?? "") devices"),
                "accelerator_memory_capacity": accelerator("memory of each device"),
                "accelerator_memory_configuration": accelerator("type of the devices' memory"),
                "accelerator_host_interconnect": accelerator("how devices are connected to the host"),
                "accelerator_interconnect": accelerator("how devices are connected to each other"),
                "accelerator_interconnect_topology": "", "accelerator_frequency": "",
                "accelerator_on-chip_memories": "", "cooling": fact(nil, "air, liquid or passive"),
                "framework": .string(framework), "operating_system": fact(machine.system, "the operating system"),
                "other_software_stack": fact(machine.kernel, "kernel and libraries"), "hw_notes": "", "sw_notes": "",
            ]
        )
    }
}
