import CPluginAPI

extension ConformanceRule {
    private static let computing = ["both", "worker"]

    static let samples: [ConformanceRule] = [
        ConformanceRule(
            "MLP-S01",
            "Every sample completes exactly once, with success.",
            roles: computing,
            timeLimit: 180
        ) { probe in
            let session = try probe.session(samples: 32)
            let ids = try session.issue(session.indices)
            try session.finish()
            for id in ids {
                let record = session.sink.record(of: id)
                let status = record?.status ?? mlp_status(MLP_INTERNAL)
                try demand(
                    status == mlp_status(MLP_OK),
                    "sample \(record?.index ?? 0) completed with \(statusName(status))"
                )
            }
            try session.close()
            return .pass
        },
        ConformanceRule("MLP-S02", "A query of no samples is accepted.", roles: computing) { probe in
            let session = try probe.session(samples: 4)
            try session.issue([])
            try session.issue(session.indices)
            try session.finish()
            try session.close()
            return .pass
        },
        ConformanceRule("MLP-S03", "Single samples complete without others coming.", roles: computing) { probe in
            let session = try probe.session(samples: 3)
            for index in session.indices {
                try session.issue([index])
                try session.finish()
            }
            try session.close()
            return .pass
        },
        ConformanceRule("MLP-S04", "The same sample may be outstanding several times.", roles: computing) { probe in
            let session = try probe.session(samples: 2)
            try session.issue(session.indices + session.indices + session.indices)
            try session.finish()
            try session.close()
            return .pass
        },
        ConformanceRule(
            "MLP-S05",
            "The first token comes before completion and is the first of the result.",
            roles: computing
        ) { probe in
            let session = try probe.session(samples: 8)
            guard session.worker.abilities.hasTokens else {
                throw ConformanceProbe.Skip(reason: "the workload does not claim tokens")
            }
            let ids = try session.issue(session.indices)
            try session.finish()
            var warning: String?
            for id in ids {
                guard let record = session.sink.record(of: id) else { continue }
                try demand(record.firstToken != nil, "sample \(record.index) completed without a first token")
                try demand(record.tokenCount > 0, "sample \(record.index) completed with a token count of 0")
                if let first = record.firstToken, !record.data.starts(with: first) {
                    warning = "sample \(record.index): the first token reported is not the first of the result"
                }
            }
            try session.close()
            return warning.map(ConformanceVerdict.warn) ?? .pass
        },
        ConformanceRule(
            "MLP-S06",
            "A cancelled sample still completes.",
            roles: computing,
            timeLimit: 120
        ) { probe in
            let session = try probe.session(samples: 16)
            let ids = try session.issue(session.indices)
            ids.withUnsafeBufferPointer { session.worker.cancel($0) }
            try session.finish()
            for id in ids {
                let status = session.sink.record(of: id)?.status ?? mlp_status(MLP_INTERNAL)
                try demand(
                    [mlp_status(MLP_OK), mlp_status(MLP_CANCELLED)].contains(status),
                    "a cancelled sample completed with \(statusName(status))"
                )
            }
            try session.close()
            return .pass
        },
        ConformanceRule("MLP-S07", "Cancelling what is finished or unknown does nothing.", roles: computing) { probe in
            let session = try probe.session(samples: 2)
            let ids = try session.issue(session.indices)
            try session.finish()
            (ids + [0, 0x5EED]).withUnsafeBufferPointer { session.worker.cancel($0) }
            try session.close()
            return .pass
        },
    ]

    static let hanging: [ConformanceRule] = [
        ConformanceRule("MLP-H01", "issue returns at once.", roles: computing, timeLimit: 120) { probe in
            let session = try probe.session(samples: 32)
            var longest: UInt64 = 0
            for index in session.indices {
                let started = monotonicNanoseconds()
                try session.issue([index])
                longest = max(longest, monotonicNanoseconds() - started)
            }
            try session.finish()
            try session.close()
            let milliseconds = Double(longest) / 1e6
            if milliseconds > 200 { return .fail("a call took \(Int(milliseconds)) ms: the schedule is waiting") }
            return milliseconds > 20 ? .warn("a call took \(Int(milliseconds)) ms") : .pass
        },
        ConformanceRule(
            "MLP-H02",
            "stop ends in bounded time while samples are outstanding.",
            roles: computing,
            timeLimit: 120
        ) { probe in
            let session = try probe.session(samples: 16)
            try session.issue(session.indices)
            let started = monotonicNanoseconds()
            try session.worker.stop()
            let seconds = Double(monotonicNanoseconds() - started) / 1e9
            return seconds < 5 ? .pass : .warn("it took \(seconds) s")
        },
        ConformanceRule("MLP-H03", "warm_up and flush return.", roles: computing, timeLimit: 120) { probe in
            let session = try probe.session(samples: 2)
            try session.worker.warmUp()
            try session.worker.flush()
            try session.issue(session.indices)
            try session.finish()
            try session.close()
            return .pass
        },
    ]

    static let crashing: [ConformanceRule] = [
        ConformanceRule(
            "MLP-K01",
            "A whole run leaves signals, locale, folder and standard descriptors alone.",
            roles: computing,
            timeLimit: 120
        ) { probe in
            let before = ProcessState()
            let session = try probe.session(samples: 16)
            try session.worker.warmUp()
            try session.issue(session.indices)
            try session.finish()
            let changes = ProcessState().changes(since: before, including: .hosts)
            try demand(changes.isEmpty, changes.joined(separator: "; "))
            try session.close()
            return .pass
        }
    ]
}
