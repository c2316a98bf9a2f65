import CPluginAPI
import Glibc

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
        ConformanceRule(
            "MLP-S08",
            "The data set has its samples, and the same bytes after unload and load.",
            roles: ["both", "head"]
        ) { probe in
            let instance = try probe.readyInstance()
            let size = try instance.datasetSize()
            try demand(try instance.datasetSize() == size, "it reports another size the second time")
            let indices = Array(0..<min(8, size.performance))
            func payloads() throws -> [[UInt8]] {
                try instance.load(indices)
                defer { try? instance.unload(indices) }
                return indices.map { index in
                    let bytes = instance.payload(index)?.payload
                    return Array(UnsafeRawBufferPointer(start: bytes?.data, count: Int(bytes?.size ?? 0)))
                }
            }
            try demand(try payloads() == payloads(), "a payload has other bytes after unload and load")
            try instance.destroy()
            return .pass
        },
        ConformanceRule(
            "MLP-S09",
            "The array of queries is not read after issue has returned.",
            roles: computing,
            timeLimit: 120
        ) { probe in
            let session = try probe.session(samples: 8)
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            guard let memory = mmap(nil, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                memory != MAP_FAILED
            else { return .skip("no memory") }
            // Reading it later is then a crash.
            try session.issue(session.indices, queries: memory.bindMemory(to: mlp_query.self, capacity: 8))
            mprotect(memory, page, PROT_NONE)
            try session.finish()
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
                if longest > 200_000_000 {
                    return .fail("a call took \(longest / 1_000_000) ms: the schedule is waiting")
                }
            }
            try session.finish()
            try session.close()
            let milliseconds = Double(longest) / 1e6
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
        },
        ConformanceRule(
            "MLP-K02",
            "A run writes nothing to standard output, where the host's results go.",
            roles: computing,
            timeLimit: 120
        ) { probe in
            let session = try probe.session(samples: 16)
            guard let file = tmpfile() else { return .skip("no temporary file") }
            defer { fclose(file) }
            let kept = dup(STDOUT_FILENO)
            dup2(fileno(file), STDOUT_FILENO)
            defer {
                dup2(kept, STDOUT_FILENO)
                close(kept)
            }
            try session.worker.warmUp()
            try session.issue(session.indices)
            try session.finish()
            try session.close()
            fflush(nil)
            let written = lseek(STDOUT_FILENO, 0, SEEK_CUR)
            return written <= 0 ? .pass : .warn("\(written) bytes were written; use the host's log")
        },
    ]
}
