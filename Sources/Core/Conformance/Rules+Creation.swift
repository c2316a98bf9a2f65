import CPluginAPI
import Glibc
import JSON

extension ConformanceRule {
    private static let everyRole = ["both", "head", "worker"]

    static let creation: [ConformanceRule] = [
        ConformanceRule("MLP-C01", "create with a checked configuration gives an instance.", roles: everyRole) {
            probe in
            try probe.instance().destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-C02",
            "create refuses what is no configuration, with a reason, and leaves *out alone.",
            roles: ["both"]
        ) { probe in
            for config in ["", "{", "[]", "{\"role\":\"conductor\",\"devices\":1,\"options\":{}}"] {
                let outcome = try RawCreation(probe, config: config)
                try demand(outcome.status != mlp_status(MLP_OK), "create accepted the config \(config)")
                try demand(outcome.leftOutAlone, "create failed on the config \(config) and changed *out")
                try demand(outcome.reason?.isEmpty == false, "create refused the config \(config) without a reason")
            }
            return .pass
        },
        ConformanceRule("MLP-C03", "create refuses a model folder that does not exist, with a reason.") { probe in
            var request = try probe.request()
            guard request.model != nil else { throw ConformanceProbe.Skip(reason: "needs a model") }
            request.model = "/nonexistent/model"
            let devices = try request.devices(of: probe.library())
            let outcome = try RawCreation(probe, config: request.config(on: devices).text())
            try demand(outcome.status != mlp_status(MLP_OK), "create accepted a model folder that does not exist")
            try demand(outcome.reason?.isEmpty == false, "create gave no reason")
            return .pass
        },
        ConformanceRule("MLP-C04", "The configuration is not read after create has returned.", roles: everyRole) {
            probe in
            let request = try probe.request()
            let text = request.config(on: try request.devices(of: probe.library())).text()
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            let size = (text.utf8.count + page) / page * page
            guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                memory != MAP_FAILED
            else { return .skip("no memory") }
            memory.copyMemory(from: Array(text.utf8) + [0], byteCount: text.utf8.count + 1)
            // Reading it later is then a crash.
            let instance = try LoadedInstance(
                library: try probe.library(),
                request: try probe.request(),
                configText: UnsafePointer(memory.assumingMemoryBound(to: CChar.self)),
                afterCreate: { mprotect(memory, size, PROT_NONE) },
                log: { _, _ in }
            )
            try instance.prepare()
            try instance.destroy()
            return .pass
        },
        ConformanceRule("MLP-C05", "Two instances are independent.", roles: everyRole) { probe in
            let first = try probe.instance()
            let second = try probe.instance()
            try first.destroy()
            try second.prepare()
            if probe.role != "worker" { _ = try second.datasetSize() }
            try second.destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-C06",
            "A host without optional services is refused politely or served.",
            roles: ["head"]
        ) { probe in
            // A head gets no device, launch or pool service.
            try probe.instance().destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-C07",
            "The same configuration gives the same extensions and claims again.",
            roles: everyRole
        ) { probe in
            let first = try probe.instance()
            let second = try probe.instance()
            try demand(
                first.abilities == second.abilities,
                "the first instance offers \(first.abilities), the second \(second.abilities)"
            )
            try first.destroy()
            try second.destroy()
            return .pass
        },
        ConformanceRule("MLP-C08", "A head starts without the weights.", roles: ["head"]) { probe in
            var request = try probe.request()
            guard let model = request.model else { throw ConformanceProbe.Skip(reason: "needs a model") }
            let lean = try FolderWithoutWeights(of: model)
            defer { lean.remove() }
            request.model = lean.path
            let instance = try LoadedInstance(library: try probe.library(), request: request) { _, _ in }
            try instance.prepare()
            let size = try instance.datasetSize()
            try instance.load(Array(0..<min(4, size.performance)))
            try instance.destroy()
            return .pass
        },
    ]

    static let extensions: [ConformanceRule] = [
        ConformanceRule("MLP-X01", "extension answers NULL to what does not exist.", roles: everyRole) { probe in
            let instance = try probe.instance()
            let strangers = [
                "", "mlp", "mlp.inference", "mlp.inference/", "mlp.inference/1 ", "mlp.inference/10", "mlp.inference/2",
                "MLP.INFERENCE/1", "com.example.unknown/1", String(repeating: "x", count: 10_000),
            ]
            for id in strangers where instance.plugin.pointee.extension(instance.plugin, id) != nil {
                return .fail("it answers to \"\(id.prefix(40))\"")
            }
            try instance.destroy()
            return .pass
        },
        ConformanceRule("MLP-X02", "extension answers the same for the life of the instance.", roles: everyRole) {
            probe in
            let ids = [MLP_DATASET, MLP_INFERENCE, MLP_TOKENIZER, MLP_ACCURACY, MLP_WEIGHTS, MLP_KERNELS]
            let instance = try probe.instance()
            func answers() -> [UnsafeRawPointer?] { ids.map { instance.plugin.pointee.extension(instance.plugin, $0) } }
            let created = answers()
            try demand(created == answers(), "an answer changed between two calls")
            try instance.prepare()
            try demand(created == answers(), "an answer changed in prepare")
            try instance.destroy()
            return .pass
        },
        ConformanceRule("MLP-X03", "The tables are whole, and the role's own are there.", roles: everyRole) { probe in
            // Creation checks every table; a short one or a missing function throws.
            try probe.instance().destroy()
            return .pass
        },
        ConformanceRule("MLP-X04", "Reserved fields are zero and claims are known ones.", roles: everyRole) { probe in
            let instance = try probe.instance()
            let tables = instance.tables
            let reserved: [(String, UInt64)] = [
                ("mlp_plugin", UInt64(instance.plugin.pointee.reserved)),
                (MLP_DATASET, UInt64(tables.dataset?.pointee.reserved ?? 0)),
                (MLP_ACCURACY, UInt64(tables.accuracy?.pointee.reserved ?? 0)),
                (MLP_WEIGHTS, UInt64(tables.weights?.pointee.reserved ?? 0)),
                (MLP_KERNELS, UInt64(tables.kernels?.pointee.reserved ?? 0)),
            ]
            for (name, value) in reserved where value != 0 { return .fail("\(name): reserved is \(value)") }
            let claims = Int(instance.abilities.claims)
            let unknown = claims & ~(MLP_TOKENS | MLP_DETERMINISTIC | MLP_BATCH_INVARIANT)
            try demand(unknown == 0, "claims has bits without a meaning: \(unknown)")
            try demand(
                claims & MLP_BATCH_INVARIANT == 0 || claims & MLP_DETERMINISTIC != 0,
                "it claims to be batch-invariant and not to be deterministic, which that includes"
            )
            try instance.destroy()
            return .pass
        },
    ]
}

/// A call of create without the host's checks, on its own host table.
private struct RawCreation {
    let status: mlp_status
    let reason: String?
    let leftOutAlone: Bool

    init(_ probe: ConformanceProbe, config: String) throws {
        let library = try probe.library()
        let table = library.tables[try probe.workload().position]
        let devices = try DeviceGroup.cpu(threads: 1, plugin: library.path)
        let context = HostContext(deviceGroup: devices) { _, _ in }
        _ = Unmanaged.passRetained(context)
        let canary = UnsafePointer<mlp_plugin>(bitPattern: 0x5EED_5EED)
        var out = canary
        status = table.pointee.create(table, context.table, config, &out)
        reason = context.takeFailures()
        leftOutAlone = out == canary
    }
}
