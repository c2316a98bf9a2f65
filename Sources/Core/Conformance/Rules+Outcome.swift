import CPluginAPI
import JSON

extension ConformanceRule {
    static let accuracy: [ConformanceRule] = [
        ConformanceRule(
            "MLP-A01",
            "A run's own responses can be scored, and the report is whole.",
            timeLimit: 180
        ) { probe in
            let session = try probe.session(samples: 8)
            try probe.need(session.head.tables.accuracy != nil, MLP_ACCURACY)
            let ids = try session.issue(session.indices)
            try session.finish()
            try session.head.beginAccuracy()
            for id in ids {
                guard let record = session.sink.record(of: id) else { continue }
                try session.head.addResponses([
                    AccuracyEntry(index: record.index, data: record.data, tokenCount: record.tokenCount)
                ])
            }
            let verdict = try session.head.finishAccuracy()
            try demand(!verdict.text.isEmpty, "the report has no text")
            guard case .array(let metrics) = try JSON(parsing: verdict.metrics, source: "metrics"), !metrics.isEmpty
            else {
                return .fail("metrics is no JSON array of metrics: \(verdict.metrics)")
            }
            try session.close()
            return .pass
        },
        ConformanceRule(
            "MLP-A02",
            "A score does not depend on how its log was handed over, nor on an earlier score.",
            timeLimit: 180
        ) { probe in
            let session = try probe.session(samples: 8)
            try probe.need(session.head.tables.accuracy != nil, MLP_ACCURACY)
            let ids = try session.issue(session.indices)
            try session.finish()
            let entries = ids.compactMap { id in
                session.sink.record(of: id).map {
                    AccuracyEntry(index: $0.index, data: $0.data, tokenCount: $0.tokenCount)
                }
            }
            func score(_ parts: [[AccuracyEntry]]) throws -> String {
                try session.head.beginAccuracy()
                for part in parts { try session.head.addResponses(part) }
                return try session.head.finishAccuracy().text
            }
            let whole = try score([entries])
            try demand(try score(entries.map { [$0] }) == whole, "one by one the score is another than at once")
            try demand(try score([entries]) == whole, "the second score of the same log is another")
            try session.close()
            return .pass
        },
    ]

    static let determinism: [ConformanceRule] = [
        ConformanceRule(
            "MLP-D01",
            "If it claims to be deterministic, the same samples give the same bytes again.",
            roles: ["both", "worker"],
            timeLimit: 180
        ) { probe in
            let first = try results(probe, claim: MLP_DETERMINISTIC, "deterministic") { [$0] }
            let second = try results(probe, claim: MLP_DETERMINISTIC, "deterministic") { [$0] }
            return first == second ? .pass : .fail("results differ between two runs")
        },
        ConformanceRule(
            "MLP-D02",
            "If it claims to be batch-invariant, company does not change a result.",
            roles: ["both", "worker"],
            timeLimit: 300
        ) { probe in
            let together = try results(probe, claim: MLP_BATCH_INVARIANT, "batch-invariant") { [$0] }
            let alone = try results(probe, claim: MLP_BATCH_INVARIANT, "batch-invariant") { $0.map { [$0] } }
            let backwards = try results(probe, claim: MLP_BATCH_INVARIANT, "batch-invariant") { [$0.reversed()] }
            try demand(together == alone, "results differ between one query of all and one query for each")
            try demand(together == backwards, "results depend on the order in which samples are issued")
            return .pass
        },
        ConformanceRule(
            "MLP-D03",
            "If it claims to be deterministic, the number of threads does not change a result.",
            roles: ["both", "worker"],
            timeLimit: 300
        ) { probe in
            let one = try results(probe, claim: MLP_DETERMINISTIC, "deterministic", threads: 1) { [$0] }
            let three = try results(probe, claim: MLP_DETERMINISTIC, "deterministic", threads: 3) { [$0] }
            return one == three ? .pass : .fail("results differ between 1 and 3 threads")
        },
    ]

    /// The result of every sample, issued as the queries given, each finished before the next.
    private static func results(
        _ probe: ConformanceProbe,
        claim: Int,
        _ name: String,
        threads: Int = 2,
        queries: ([UInt64]) -> [[UInt64]]
    ) throws -> [UInt64: [UInt8]] {
        let session = try probe.session(samples: 8, threads: threads)
        guard session.worker.abilities.claims & UInt32(claim) != 0 else {
            throw ConformanceProbe.Skip(reason: "the workload does not claim to be \(name)")
        }
        var ids: [UInt64] = []
        for query in queries(session.indices) {
            ids += try session.issue(query)
            try session.finish()
        }
        var results: [UInt64: [UInt8]] = [:]
        for id in ids {
            guard let record = session.sink.record(of: id) else { continue }
            results[record.index] = record.data
        }
        try session.close()
        return results
    }
}
