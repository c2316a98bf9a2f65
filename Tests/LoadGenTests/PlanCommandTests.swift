@testable import Core
import FoundationEssentials
import Glibc
import JSON
import Testing

/// What `host plan --json` prints, against the plans of the official generator, name by name.
@Suite struct PlanCommandTests {
    private let folder = temporaryFolder("plan")

    private func withFile(_ name: String, _ text: String, _ body: (String) throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = "\(folder)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func printed(_ request: PlanRequest) throws -> JSONField {
        var text = ""
        try request.plan(console: RunConsole()).plan.writeJSON { text += $0 }
        return JSONField(try JSON(parsing: text), at: "plan")
    }

    @Test func everyRecordedPlanIsPrinted() throws {
        for record in try Golden.cases("plan.json") ?? [] {
            let name = try record["name"].string()
            try Golden.run("plan command/\(name)") {
                try withFile("\(name).json", record.value.text()) { path in
                    let request = try PlanRequest(settingsFile: path)
                    guard try record["runs"].array().allSatisfy({ try $0["queries"].int() > 0 }) else {
                        // The official library crashes on such a plan.
                        #expect(throws: LoadGenError.self) { try printed(request) }
                        return
                    }
                    try compare(try printed(request), record, name)
                }
            }
        }
    }

    /// The files of a case lead to the plan of its settings.
    @Test func everyRecordedFileLeadsToThePlan() throws {
        for record in try Golden.cases("plan.json") ?? [] {
            let name = try record["name"].string()
            guard let user = try record["user_conf"].optional else { continue }
            guard try record["runs"].array().allSatisfy({ try $0["queries"].int() > 0 }) else { continue }
            let seed = try record["settings"]["qsl_rng_seed"].uint64()
            guard let round = MLPerfRound.allCases.first(where: { $0.qslRngSeed == seed }) else { continue }
            try Golden.run("plan command from files/\(name)") {
                try withFile("\(name)-user.conf", try user.string()) { userConf in
                    let args = record["args"]
                    let counts = "\(try args["total"].string()),\(try args["perf"].string())"
                    let mode = try args["mode"].optional?.string() == "AccuracyOnly" ? "accuracy" : "performance"
                    let words = [
                        "scenario=\(try args["scenario"].string())", "model=\(try args["model"].string())",
                        "user_conf=\(userConf)", "round=\(round.rawValue)", "mode=\(mode)",
                    ]
                    let audit = try record["audit_config"].optional?.string()
                    try withFile("\(name)-audit.config", audit ?? "") { auditConf in
                        let request = try PlanRequest(
                            library: counts,
                            auditFile: audit == nil ? nil : auditConf,
                            words: words
                        )
                        try compare(try printed(request), record, name)
                    }
                }
            }
        }
    }

    /// As in a run: so many queries and no more.
    @Test func fewerSamplesThanTheLibraryHoldsAreAllThatIsPlanned() throws {
        let words = ["scenario=Offline", "harness_config.total_sample_count=100"]
        let plan = try printed(try PlanRequest(library: "256,256", words: words))
        #expect(try plan["effective"]["min_sample_count"].int() >= 100)
        #expect(try plan["settings"]["max_query_count"].int() == 100)
        #expect(try plan["settings"]["min_query_count"].int() == 100)
        #expect(throws: ConfigError.self) { try printed(try PlanRequest(library: "50,50", words: words)) }
    }

    private func compare(_ printed: JSONField, _ record: JSONField, _ name: String) throws {
        for part in ["effective", "settings"] {
            for (key, expected) in try record[part].members() {
                #expect(same(printed[part][key], expected), "\(name) \(part).\(key)")
            }
        }
        let details = try printed["detail"].array().filter { try $0["key"].string().hasPrefix("generated_") }
        let expectedDetails = try record["detail"].array()
        #expect(details.count == expectedDetails.count, "\(name)")
        for (entry, expected) in zip(details, expectedDetails) {
            #expect(try entry.value == expected.value, "\(name)")
        }
        let runs = try printed["runs"].array()
        let expectedRuns = try record["runs"].array()
        #expect(runs.count == expectedRuns.count, "\(name)")
        for (run, expected) in zip(runs, expectedRuns) {
            for (key, value) in try expected.members() where !key.hasSuffix("_head") && !key.hasSuffix("_tail") {
                #expect(same(run[key], value), "\(name) runs.\(key)")
            }
            for list in ["loaded", "index", "sched_ns", "acc_logged_sample_ids"] {
                guard try expected["\(list)_count"].optional != nil else { continue }
                let numbers = try run[list].array().map { try $0.uint64() }
                #expect(try Golden.difference(numbers, list, in: expected) == nil, "\(name) runs.\(list)")
            }
        }
    }

    private func same(_ value: JSONField, _ expected: JSONField) -> Bool {
        if let number = try? expected.double(), let own = try? value.double(), (try? expected.uint64()) == nil {
            return own == number
        }
        if let number = try? expected.uint64() {
            if let own = try? value.uint64() { return own == number }
            return (try? value.double()) == Double(number)
        }
        return (try? value.value) == (try? expected.value)
    }

    @Test func contradictionsAreErrors() throws {
        let settings = #"{"scenario":"Server","sever_target_qps":3}"#
        try withFile("typo.json", settings) { path in
            let request = try PlanRequest(library: "8,8", settingsFile: path)
            #expect(throws: ConfigError.self) { try request.plan(console: RunConsole()) }
            do {
                _ = try request.plan(console: RunConsole())
            } catch let error as ConfigError {
                #expect(error.description.contains("did you mean server_target_qps?"))
            }
        }
        try withFile("plain.json", #"{"scenario":"Server"}"#) { path in
            let others: [(library: String?, words: [String])] = [
                (nil, []), ("8,8", ["scenario=Server"]), ("8,8", ["target_qps=3"]), ("8,8", ["user_conf=x"]),
                ("8,8", ["plugin=none"]), ("8,8", ["threads=2"]),
            ]
            for (library, words) in others {
                let request = try PlanRequest(library: library, settingsFile: path, words: words)
                #expect(throws: ConfigError.self, "\(words)") { try request.plan(console: RunConsole()) }
            }
            #expect(
                try PlanRequest(library: "8,8", settingsFile: path).plan(console: RunConsole()).plan.phases.count == 1
            )
        }
        for counts in ["8", "8,8,8", "a,b", "8,-1", ""] {
            #expect(throws: ConfigError.self, "\(counts)") { try PlanRequest(library: counts) }
        }
        #expect(throws: ConfigError.self) { try PlanRequest(words: ["scenario=Server"]).plan(console: RunConsole()) }
        #expect(throws: ConfigError.self) {
            try PlanRequest(library: "8,8", words: ["plugin=x", "scenario=Server"]).plan(console: RunConsole())
        }
    }

    @Test func filesThatSayNothingAreTold() throws {
        let text = """
            *.Offline.target_qps=12
            gptj.Server.target_qps = 30
            *.Sever.target_qps = 3
            *.*.min_query_cout = 4
            *.*.min_query_count = 010
            *.Interactive.target_qps = 3
            *.Offline.target_latency = 3
            *.*.qsl_rng_seed = 3
            plain = 3
            *.*.max_query_count
            """
        try withFile("odd.conf", text) { path in
            let words = ["scenario=Server", "model=llama2-70b", "user_conf=\(path)"]
            let notes = try PlanRequest(library: "64,64", words: words).plan(console: RunConsole()).notes
            let expected = [
                "odd.conf:1: *.Offline.target_qps=12 is ignored: LoadGen wants blanks around '='; write *.Offline.target_qps = 12",
                "odd.conf:10: *.*.max_query_count has no value and is ignored",
                "odd.conf:3: *.Sever.target_qps: LoadGen has no scenario Sever, so the line has no effect; did you mean Server?",
                "odd.conf:4: *.*.min_query_cout is no key of LoadGen and has no effect; did you mean min_query_count?",
                "odd.conf:5: *.*.min_query_count = 010 is read as 8: the value must be a whole decimal number of at least 0",
                "odd.conf:6: *.Interactive.target_qps: LoadGen has no scenario Interactive, so the line has no effect; "
                    + "Interactive is the scenario Server of the model MODEL-interactive",
                "odd.conf:7: *.Offline.target_latency has no effect: the key belongs to SingleStream and MultiStream and Server",
                "odd.conf:8: *.*.qsl_rng_seed counts in MLPerf's own mlperf.conf alone and has no effect here",
                "odd.conf:9: plain is not of the form MODEL.SCENARIO.KEY and has no effect",
                "odd.conf has lines for gptj, which do not count here; this run's model is llama2-70b",
            ]
            #expect(notes.map { $0.replacing("\(folder)/", with: "") } == expected)
        }
    }

    @Test func aFaultOfAFileNamesFileLineAndKey() throws {
        try withFile("bad.conf", "*.*.min_duration 5\n*.Server.target_qps = 3 # three\n") { path in
            let words = ["scenario=Server", "model=llama2-70b", "user_conf=\(path)"]
            let request = try PlanRequest(library: "64,64", words: words)
            do {
                _ = try request.plan(console: RunConsole())
                Issue.record("the file is accepted")
            } catch {
                let text = "\(error)"
                #expect(text.contains("\(path): line 1: *.*.min_duration: expected '='"), "\(text)")
                #expect(text.contains("line 2: *.Server.target_qps: expected a number, found '#'"), "\(text)")
            }
        }
    }

    @Test func theLenientReadingTakesWhatIsMeant() throws {
        let text =
            "*.Server.target_qps=30 # comment\n*.*.min_query_count = 010\n#note here\n*.*.min_duration = 1000#x\n"
        let lenient = ConfValues(parsing: text, reading: .lenient)
        #expect(
            lenient.complaints == [
                .init(
                    line: 4,
                    key: "*.*.min_duration",
                    official: "value needs to be integer or double, line=4",
                    reason: "expected a number, found '1000#x'"
                )
            ]
        )
        let good = ConfValues(parsing: text.replacing("1000#x", with: "0x10 #x"), reading: .lenient)
        #expect(good.complaints.isEmpty && good.ignored.isEmpty)
        #expect(good.double(model: "m", scenario: "Server", key: "target_qps") == 30)
        #expect(good.integer(model: "m", scenario: "Server", key: "min_query_count") == 10)
        #expect(good.integer(model: "m", scenario: "Server", key: "min_duration") == 16)
        let official = ConfValues(parsing: text)
        #expect(official.complaints.map(\.line) == [3, 4])
        #expect(official.ignored.map(\.line) == [1])
    }
}
