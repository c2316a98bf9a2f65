import CPluginAPI
import Glibc

extension ConformanceRule {
    static let loading: [ConformanceRule] = [
        ConformanceRule(
            "MLP-L01",
            "The library loads with every symbol resolved, and its tables are whole.",
            timeLimit: 20
        ) { probe in
            let library = try probe.library()
            for workload in library.workloads {
                do {
                    _ = try WorkloadOptions(declaration: workload.options, workload: workload.id)
                } catch {
                    return .fail("\(error)")
                }
            }
            return .pass
        },
        ConformanceRule("MLP-L02", "It exports mlp_library_v1 and nothing else.", timeLimit: 20) { probe in
            let exported = try ELFSymbols.exported(byFile: try probe.library().path)
            try demand(exported.contains("mlp_library_v1"), "mlp_library_v1 is not among the exported symbols")
            let others = exported.filter { $0 != "mlp_library_v1" }
            return others.isEmpty
                ? .pass
                : .fail(
                    "\(others.count) other symbols are exported, such as \(others[0]); link with a version script "
                        + "that makes all but the entry local"
                )
        },
        ConformanceRule("MLP-L03", "The entry answers the same every time.", timeLimit: 20) { probe in
            let path = try probe.library().path
            guard let handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD), let symbol = dlsym(handle, "mlp_library_v1") else {
                return .fail("the entry is gone after loading")
            }
            typealias Entry = @convention(c) () -> UnsafePointer<mlp_library>?
            let entry = unsafeBitCast(symbol, to: Entry.self)
            return entry() == entry() ? .pass : .fail("two calls of mlp_library_v1 gave two tables")
        },
        ConformanceRule("MLP-L04", "Loading and asking take less than 100 ms.", timeLimit: 20) { probe in
            let started = monotonicNanoseconds()
            _ = try probe.library()
            let milliseconds = Double(monotonicNanoseconds() - started) / 1e6
            return milliseconds < 100 ? .pass : .warn("it took \(Int(milliseconds)) ms")
        },
        ConformanceRule(
            "MLP-L05",
            "Loading starts no thread, opens no file for keeps and touches no device.",
            timeLimit: 20
        ) { probe in
            let before = ProcessState()
            _ = try probe.library()
            let changes = ProcessState().changes(since: before, including: [.threads, .descriptors])
            return changes.isEmpty ? .pass : .fail(changes.joined(separator: "; "))
        },
        ConformanceRule(
            "MLP-L06",
            "It was built against a contract that this host knows, with reserved fields zero.",
            timeLimit: 20
        ) { probe in
            let library = try probe.library()
            for (table, workload) in zip(library.tables, library.workloads) {
                try demand(table.pointee.reserved == 0, "\(workload.id): mlp_workload.reserved is not zero")
            }
            return library.abiMinor <= MLP_ABI_MINOR
                ? .pass
                : .warn("minor version \(library.abiMinor); this host knows \(MLP_ABI_MINOR) and uses no more of it")
        },
    ]
}
