import Glibc
import JSON
import RunRecords
import Testing

@testable import Experiments

/// `host scenarios` and `host audit` with the workload that completes everything at once.
@Suite("Experiments through the host")
struct ScenarioRunTests {
    /// Every leg of a run that takes a moment.
    struct Case {
        let folder: String
        let conf: String

        init(serverRate: Int = 5000) throws {
            folder = try HostRuns.folder()
            conf = "\(folder)/user.conf"
            try writeConf(serverRate: serverRate)
        }

        func writeConf(serverRate: Int, duration: Int = 200) throws {
            try HostRuns.write(
                """
                *.*.min_duration = \(duration)
                *.Offline.target_qps = 100000
                *.Offline.min_duration = 0
                *.Server.target_qps = \(serverRate)
                *.Server.target_latency = 1000

                """,
                to: conf
            )
        }

        var experiment: String { "\(folder)/e" }

        func words(_ more: [String] = []) -> [String] {
            ["scenarios", HostRuns.plugin("Null"), "Offline", "Server", "user_conf=\(conf)", "system_name=sys"]
                + ["benchmark_name=some-benchmark", "--skip-accuracy", "--experiment", experiment, "--json"] + more
        }

        func run(_ more: [String] = [], interruptOnce file: String? = nil) throws -> (HostRuns.Outcome, [Leg]) {
            let outcome = try HostRuns.run(words(more), interruptOnce: file)
            let legs = try JSONField(JSON(parsing: outcome.output), at: "output")["legs"].array().map(Leg.init)
            return (outcome, legs)
        }
    }

    struct Leg: Equatable, CustomStringConvertible {
        var name: String
        var verdict: String
        var wasThere: Bool
        var reason: String

        init(_ field: JSONField) throws {
            name = try field["scenario"].string() + " " + field["leg"].string()
            verdict = try field["verdict"].string()
            wasThere = try field["was_there"].bool()
            reason = try field["reason"].string()
        }

        init(_ name: String, _ verdict: String = "OK", wasThere: Bool = false, _ reason: String = "") {
            (self.name, self.verdict, self.wasThere, self.reason) = (name, verdict, wasThere, reason)
        }

        var description: String { "\(name) \(verdict) \(wasThere) \(reason)" }
    }

    @Test("What is done is kept; what changed, is missing or was cut off is done again")
    func resume() throws {
        let experiment = try Case()
        let (first, legs) = try experiment.run()
        #expect(first.status == 0, "\(first.errors)")
        #expect(legs == [Leg("Offline performance"), Leg("Server performance")])
        let server = "\(experiment.experiment)/sys/some-benchmark/Server/performance/run_1"
        let offline = "\(experiment.experiment)/sys/some-benchmark/Offline/performance/run_1"
        let began = try RunRecord(folder: server).started
        #expect(try RunRecord(folder: server).status == .valid)

        // The table and the link.
        var buffer = [CChar](repeating: 0, count: 64)
        #expect(readlink("\(experiment.folder)/latest", &buffer, 63) == 1 && buffer[0] == CChar(UInt8(ascii: "e")))
        let table = try HostRuns.run(experiment.words().filter { $0 != "--json" })
        #expect(table.status == 0 && table.output.contains("2 of 2 OK"), "\(table.output)")

        // Nothing is run again.
        let (second, kept) = try experiment.run()
        #expect(second.status == 0)
        #expect(kept == legs.map { Leg($0.name, wasThere: true) })
        #expect(try RunRecord(folder: server).started == began)

        // Another word: that scenario is run again.
        let (third, changed) = try experiment.run(["Server:harness_config.watchdog_sec=77"])
        #expect(third.status == 0)
        #expect(changed == [Leg("Offline performance", wasThere: true), Leg("Server performance")])
        #expect(third.errors.contains("its settings were others: with Server") == false)
        #expect(third.errors.contains("with harness_config.watchdog_sec=77"), "\(third.errors)")

        // A log cut short, a record that says that the run goes on, a folder taken away.
        unlink("\(offline)/mlperf_log_summary.txt")
        let (fourth, again) = try experiment.run(["Server:harness_config.watchdog_sec=77"])
        #expect(fourth.errors.contains("mlperf_log_summary.txt is missing or empty"))
        #expect(again.map(\.wasThere) == [false, true])
        var record = try RunRecord(folder: offline)
        record.status = .running
        try HostRuns.write(record.json.text(), to: "\(offline)/run.json")
        let (fifth, cut) = try experiment.run(["Server:harness_config.watchdog_sec=77"])
        #expect(fifth.errors.contains("its run was cut off"))
        #expect(cut.map(\.wasThere) == [false, true])

        // A conf file that changed since: everything.
        sleep(1)
        try experiment.writeConf(serverRate: 6000)
        let (sixth, all) = try experiment.run(["Server:harness_config.watchdog_sec=77"])
        #expect(sixth.errors.contains("user.conf has changed since"))
        #expect(all.map(\.wasThere) == [false, false])
    }

    @Test("A leg that does not count does not keep the others from being run, and is tried again")
    func invalid() throws {
        let experiment = try Case()
        // A rate at which the queries end before the duration.
        let word = "Offline:harness_config.min_query_count=64"
        let (first, legs) = try experiment.run([word, "Offline:harness_config.duration_sec=5"])
        #expect(first.status == 2)
        #expect(legs.map(\.verdict) == ["INVALID", "OK"])
        #expect(legs[0].reason.contains("too short"), "\(legs[0])")
        let (second, again) = try experiment.run([word])
        #expect(second.status == 0)
        #expect(again.map(\.wasThere) == [false, true])
    }

    @Test("An interrupted experiment ends its run properly and goes on where it was")
    func interrupt() throws {
        let experiment = try Case()
        try experiment.writeConf(serverRate: 100, duration: 60_000)
        let server = "\(experiment.experiment)/sys/some-benchmark/Server/performance/run_1"
        let (first, legs) = try experiment.run(["Interactive"], interruptOnce: "\(server)/run.json")
        #expect(first.status == 1, "\(first.errors)")
        #expect(legs.map(\.verdict) == ["OK", "INTERRUPTED", "NOT RUN"])
        #expect(try RunRecord(folder: server).status == .invalid, "the logs were closed")
        #expect(try HostRuns.text("\(server)/mlperf_log_summary.txt").contains("Result is : INVALID"))
        sleep(1)
        let (second, dry) = (try HostRuns.run(experiment.words(["--dry-run"])), first)
        #expect(second.output.contains("# Server performance: its run is INVALID"), "\(second.output)")
        #expect(dry.status == 1)
    }

    @Test("--dry-run runs nothing and shows commands that a shell takes")
    func dryRun() throws {
        let experiment = try Case()
        let outcome = try HostRuns.run(experiment.words(["--dry-run"]))
        #expect(outcome.status == 0)
        #expect(access(experiment.experiment, F_OK) != 0)
        let commands = outcome.output.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(commands.count == 2)
        for command in commands { #expect(system("cd '\(HostRuns.root)' && \(command) >/dev/null 2>&1") == 0) }
        // What a person ran by hand counts.
        let (after, legs) = try experiment.run()
        #expect(after.status == 0)
        #expect(legs.map(\.wasThere) == [true, true])
    }

    @Test("Wrong words are refused before anything is run")
    func wrongWords() throws {
        let experiment = try Case()
        for words in [["Server:no_such=1"], ["--division", "ajar"], ["--skip-performance"], ["plugin=/no/such.so"]] {
            let outcome = try HostRuns.run(experiment.words(words))
            #expect(outcome.status == 64 || outcome.status == 1, "\(words): \(outcome.errors)")
            #expect(outcome.errors.hasPrefix("error: "), "\(words): \(outcome.errors)")
            #expect(access(experiment.experiment, F_OK) != 0)
        }
    }
}
