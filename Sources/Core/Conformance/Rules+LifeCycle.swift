import CPluginAPI
import Glibc

extension ConformanceRule {
    private static let everyRole = ["both", "head", "worker"]

    static let lifeCycle: [ConformanceRule] = [
        ConformanceRule("MLP-F01", "destroy works from created and from ready.", roles: everyRole) { probe in
            try probe.instance().destroy()
            try probe.readyInstance().destroy()
            return .pass
        },
        ConformanceRule("MLP-F02", "start and stop work many times.", roles: ["both", "worker"], timeLimit: 120) {
            probe in
            let instance = try probe.readyInstance()
            for _ in 0..<5 {
                try instance.start(results: RecordingSink())
                try instance.stop()
            }
            try instance.destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-F03",
            "stop answers everything outstanding, and nothing comes after it.",
            roles: ["both", "worker"],
            timeLimit: 120
        ) { probe in
            let session = try probe.session(samples: 16)
            try session.issue(session.indices)
            try session.worker.stop()
            try demand(
                session.sink.outstandingCount == 0,
                "\(session.sink.outstandingCount) samples had not completed when stop returned; complete them with "
                    + "MLP_CANCELLED"
            )
            usleep(500_000)
            try demand(
                session.worker.context.lateResultCount == 0,
                "\(session.worker.context.lateResultCount) results came after stop had returned"
            )
            return .pass
        },
        ConformanceRule(
            "MLP-F04",
            "Memory and descriptors stay flat over many instances.",
            roles: everyRole,
            timeLimit: 300
        ) { probe in
            func cycle() throws { try probe.readyInstance().destroy() }
            // The first cycles fill caches that are kept on purpose.
            for _ in 0..<5 { try cycle() }
            let before = ProcessState()
            let memory = ProcessState.residentSize
            let cycles = 20
            for _ in 0..<cycles { try cycle() }
            usleep(200_000)
            let changes = ProcessState().changes(since: before, including: [.descriptors, .threads])
            try demand(changes.isEmpty, "after \(cycles) instances " + changes.joined(separator: "; "))
            let growth = ProcessState.residentSize - memory
            return growth < cycles << 18
                ? .pass : .warn("resident memory grew by \(growth >> 20) MiB in \(cycles) instances")
        },
    ]
}
