import CPluginAPI
import Numerics

extension ConformanceRule {
    private static let computing = ["both", "worker"]

    static let weights: [ConformanceRule] = [
        ConformanceRule(
            "MLP-W01",
            "Declared tensors and placements are whole: shapes, types, scales, shards, sources, names.",
            roles: computing
        ) { probe in
            let instance = try probe.instance()
            guard let table = instance.tables.weights else {
                throw ConformanceProbe.Skip(reason: "the workload does not offer \(MLP_WEIGHTS)")
            }
            _ = try WeightDeclarations(table, plugin: instance.library)
            try instance.destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-W02",
            "The checkpoint has what is declared, and bind takes exactly that.",
            roles: computing,
            timeLimit: 300
        ) { probe in
            let instance = try probe.instance()
            try probe.need(instance.tables.weights != nil, MLP_WEIGHTS)
            try instance.prepare()
            try instance.destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-W03",
            "place fills its whole destination, no more, and the same every time.",
            roles: computing,
            timeLimit: 300
        ) { probe in
            let request = try probe.request()
            let instance = try probe.instance()
            guard let table = instance.tables.weights else {
                throw ConformanceProbe.Skip(reason: "the workload does not offer \(MLP_WEIGHTS)")
            }
            let declared = try WeightDeclarations(table, plugin: instance.library)
            guard !declared.placements.isEmpty else { throw ConformanceProbe.Skip(reason: "it declares no placement") }
            let files = try WeightFiles(declared, modelFolder: request.model)
            for (index, placement) in declared.placements.enumerated() {
                let sources = placement.sources.map { source in
                    let bytes = files.views[source]?.bytes
                    return mlp_bytes(data: bytes?.baseAddress, size: UInt64(bytes?.count ?? 0))
                }
                func filled(_ canary: UInt8) throws -> [UInt8] {
                    var memory = [UInt8](repeating: canary, count: placement.size + 4096)
                    let status = memory.withUnsafeMutableBytes {
                        table.pointee.place(instance.plugin, UInt32(index), 0, 1, sources, $0.baseAddress)
                    }
                    try demand(status == mlp_status(MLP_OK), "\(placement.name): place returned \(statusName(status))")
                    try demand(
                        memory[placement.size...].allSatisfy { $0 == canary },
                        "\(placement.name): place wrote past \(placement.size) bytes"
                    )
                    return Array(memory[..<placement.size])
                }
                // Different canaries: bytes that stay unwritten differ.
                try demand(
                    try filled(0x00) == filled(0xFF),
                    "\(placement.name): two fills differ: bytes are left unwritten or depend on chance"
                )
            }
            try instance.destroy()
            return .pass
        },
    ]

    static let kernels: [ConformanceRule] = [
        ConformanceRule(
            "MLP-N01",
            "Kernels are whole: names, signatures, families, code objects.",
            roles: computing
        ) { probe in
            let instance = try probe.instance()
            guard let table = instance.tables.kernels else {
                throw ConformanceProbe.Skip(reason: "the workload does not offer \(MLP_KERNELS)")
            }
            let kernels = try KernelTable(table, plugin: instance.library)
            try instance.destroy()
            let mute = kernels.kernels.filter { $0.twin == nil }.map(\.name)
            return mute.isEmpty ? .pass : .warn("without a twin, so not on a CPU: \(mute.joined(separator: ", "))")
        },
        ConformanceRule(
            "MLP-N02",
            "Every kernel's examples come out as they say, on the device chosen.",
            roles: computing,
            timeLimit: 300
        ) { probe in
            try examples(probe) { kernel, example, outcome in
                for mismatch in outcome.mismatches { throw Breach("\(kernel), example \(example): \(mismatch)") }
            }
        },
        ConformanceRule(
            "MLP-N03",
            "A twin's bits do not depend on how its blocks are split.",
            roles: computing,
            timeLimit: 300
        ) { probe in
            guard probe.configuration.device.kind == .cpu else {
                throw ConformanceProbe.Skip(reason: "twins run on a CPU")
            }
            var alone: [[UInt8]] = []
            _ = try examples(probe, threads: 1) { _, _, outcome in alone.append(outcome.outputs) }
            var position = 0
            return try examples(probe, threads: 5) { kernel, example, outcome in
                defer { position += 1 }
                try demand(
                    position < alone.count && alone[position] == outcome.outputs,
                    "\(kernel), example \(example): the output differs between 1 and 5 threads"
                )
            }
        },
        ConformanceRule("MLP-N04", "Every kernel brings an example.", roles: computing) { probe in
            var seen: Set<String> = []
            var all: [String] = []
            _ = try examples(probe, names: &all) { kernel, _, _ in seen.insert(kernel) }
            let missing = all.filter { !seen.contains($0) }
            return missing.isEmpty ? .pass : .warn("nobody can check these: \(missing.joined(separator: ", "))")
        },
    ]

    private static func examples(
        _ probe: ConformanceProbe,
        threads: Int = 2,
        _ body: (_ kernel: String, _ example: Int, _ outcome: KernelExampleOutcome) throws -> Void
    ) throws -> ConformanceVerdict {
        var names: [String] = []
        return try examples(probe, threads: threads, names: &names, body)
    }

    /// Runs every example of every kernel.
    private static func examples(
        _ probe: ConformanceProbe,
        threads: Int = 2,
        names: inout [String],
        _ body: (_ kernel: String, _ example: Int, _ outcome: KernelExampleOutcome) throws -> Void
    ) throws -> ConformanceVerdict {
        var request = try probe.request()
        request.threads = threads
        request.device = probe.configuration.device
        let instance: LoadedInstance
        do {
            instance = try LoadedInstance(library: try probe.library(), request: request) { _, _ in }
        } catch let fault as PluginFault where fault.kind == .refused && request.model == nil {
            throw ConformanceProbe.Skip(reason: "needs a model: \(fault.reason)")
        }
        guard let table = instance.tables.kernels, let devices = instance.context.deviceGroup else {
            throw ConformanceProbe.Skip(reason: "the workload does not offer \(MLP_KERNELS)")
        }
        guard table.pointee.example != nil else {
            throw ConformanceProbe.Skip(reason: "the workload brings no examples of its kernels")
        }
        let kernels = try KernelTable(table, plugin: instance.library)
        names = kernels.kernels.map(\.name)
        var count = 0
        for (index, kernel) in kernels.kernels.enumerated()
        where kernel.twin != nil || request.device.kind != .cpu {
            for number in 0..<1000 {
                guard
                    let outcome = try KernelExampleOutcome(
                        instance: instance,
                        devices: devices,
                        kernel: UInt32(index),
                        number: UInt32(number)
                    )
                else { break }
                try body(kernel.name, number, outcome)
                count += 1
            }
        }
        try instance.destroy()
        return count > 0 ? .pass : .skip("no kernel brings an example")
    }
}
