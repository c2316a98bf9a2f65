import Glibc
import JSON
import RunRecords
import Submission
import Testing

@Suite("Preparing a submission")
struct PreparationTests {
    private let experiment = TestExperiment()

    private func request(_ division: String = "open") -> SubmissionRequest {
        SubmissionRequest(
            experiment: experiment.path,
            output: experiment.output,
            submitter: "Tester",
            division: division
        )
    }

    /// What stands in the way of a changed experiment.
    private func obstacles(_ division: String = "open", _ change: (TestExperiment) throws -> Void) throws -> [Obstacle]
    {
        try change(experiment)
        let outcome = try SubmissionPreparation.run(request(division), writes: true)
        #expect(!outcome.isWritten && !outcome.isSubmittable)
        #expect(!TestTree.exists(experiment.output))
        return outcome.obstacles.filter { $0.severity != .note }
    }

    @Test("What is prepared is accepted, in both divisions", arguments: ["open", "closed"])
    func accepted(division: String) throws {
        let outcome = try SubmissionPreparation.run(request(division), writes: true)
        #expect(outcome.isWritten, "\(outcome.text)")
        let report = try SubmissionCheck.run(tree: experiment.output, rules: RoundRules.named("v6.0"))
        #expect(report.isAccepted, "\(report.text)")
        #expect(report.results.count == 2)
        #expect(Set(report.findings.map(\.rule)).isSubset(of: ["system-placeholder"]), "\(report.text)")
        let written = TestTree.files(below: experiment.output).map { String($0.dropFirst(experiment.output.count + 1)) }
        #expect(written.sorted() == outcome.listing.split(separator: "\n").map(String.init))
        #expect(!written.contains { $0.hasSuffix("run.json") })
    }

    @Test("The tree holds what the runs tell")
    func content() throws {
        _ = try SubmissionPreparation.run(request("closed"), writes: true)
        let root = "\(experiment.output)/closed/Tester"
        let offline = "\(root)/results/node1/llama2-70b-99.9/Offline"
        #expect(TestTree.text("\(offline)/user.conf") == "llama2-70b.Offline.target_qps = 300\n")
        let measurements = try JSON(contentsOfFile: "\(offline)/measurements.json")
        #expect(measurements["weight_data_types"] == "fp32, bf16")
        #expect(measurements["starting_weights_filename"] == "model.safetensors")
        let readme = TestTree.text("\(offline)/README.md")
        #expect(readme.contains("host --plugin libLlama2.so 'name=it'\\''s so'\n"))
        #expect(readme.contains("host audit --test TEST06"))
        #expect(readme.contains("max_new_tokens = 1024"))
        let log = TestTree.read("\(offline)/accuracy/mlperf_log_accuracy.json")
        let gap = Array("\n\n...\n\n".utf8)
        #expect(log == Array(TestExperiment.accuracyLog.prefix(4096)) + gap + TestExperiment.accuracyLog.suffix(4096))
        #expect(TestTree.text("\(offline)/TEST06/verify_accuracy.txt").contains("EOS check pass: True"))
        let system = try JSON(contentsOfFile: "\(root)/systems/node1.json")
        #expect(system["accelerators_per_node"] == "0")
        #expect(system["submitter"] == "Tester")
        #expect(
            TestTree.text("\(root)/src/README.md").contains("| llama2 | 1.0 | libLlama2.so | 1.2 | official 6.0.17 |")
        )
        #expect(TestTree.text("\(root)/Documentation/calibration.md").contains("Nothing was quantised"))
    }

    @Test("What cannot be submitted is named, and nothing is written")
    func refusals() throws {
        let cases: [(String, (TestExperiment) throws -> Void)] = [
            ("there is no such run", { TestTree.remove($0.place("Server/accuracy")) }),
            ("there is no such run", { TestTree.remove($0.place("Server/performance/run_1")) }),
            (
                "cut off",
                {
                    TestTree.write(
                        $0.place("Server/performance/run_1/mlperf_log_detail.txt"),
                        Array(":::MLLOG {\"key".utf8)
                    )
                }
            ),
            ("there is no such file", { TestTree.remove($0.place("Server/performance/run_1/mlperf_log_detail.txt")) }),
            ("is missing", { TestTree.write($0.place("Server/performance/run_1/mlperf_log_detail.txt"), []) }),
            ("INVALID", { $0.replace("Server/performance/run_1/mlperf_log_detail.txt", "\"VALID\"", "\"INVALID\"") }),
            ("INVALID", { try $0.change("Server/performance/run_1") { $0.status = .invalid } }),
            ("did not end", { try $0.change("Server/performance/run_1") { $0.status = .running } }),
            ("failed", { try $0.change("Server/accuracy") { $0.status = .failed } }),
            ("does not offer it", { try $0.change("Server/accuracy") { $0.isForSubmission = false } }),
            (
                "not those of m.json",
                { experiment in
                    try experiment.change("Server/accuracy") {
                        $0.resources = ResourceCheck(manifest: "m.json", checkedFiles: 1, mismatches: ["model differs"])
                    }
                }
            ),
            ("differ in workload_version", { try $0.change("Server/accuracy") { $0.workloadVersion = "2.0" } }),
            ("differ in model", { try $0.change("Server/accuracy") { $0.model = "elsewhere" } }),
            ("differ in plugin", { try $0.change("Server/accuracy") { $0.plugin = "libOther.so" } }),
            ("in the folder of Server", { try $0.change("Server/accuracy") { $0.scenario = "Offline" } }),
            ("in mode PerformanceOnly", { try $0.change("Server/accuracy") { $0.mode = "PerformanceOnly" } }),
            ("has no line hash", { $0.replace("Server/accuracy/accuracy.txt", "hash=", "digest=") }),
            ("its SHA-256 differs", { $0.replace("Server/accuracy/mlperf_log_accuracy.json", "0102", "0103") }),
            ("there is no score", { TestTree.remove($0.place("Server/accuracy/accuracy.txt")) }),
            ("there is no such file", { TestTree.remove($0.place("Server/accuracy/mlperf_log_accuracy.json")) }),
            (
                "errors, which no submission may",
                { $0.replace("Server/accuracy/mlperf_log_detail.txt", "\"is_error\": false", "\"is_error\": true") }
            ),
            ("the text ends", { TestTree.write($0.place("Server/accuracy/run.json"), Array("{".utf8)) }),
            ("missing", { TestTree.write($0.place("Server/accuracy/run.json"), Array("{\"format\": 1}".utf8)) }),
            (
                "user.conf cannot be read",
                { try $0.change("Server/performance/run_1") { $0.userConf = "/nowhere/user.conf" } }
            ),
            (
                "qsl_rng_seed is 7",
                { $0.replace("Server/performance/run_1/mlperf_log_detail.txt", "2465351861681999779", "7") }
            ),
            (
                "has no rules here for resnet",
                { experiment in
                    for run in [
                        "Offline/performance/run_1", "Offline/accuracy", "Server/performance/run_1", "Server/accuracy",
                    ] {
                        try experiment.change(run) { $0.benchmark = "resnet" }
                    }
                }
            ),
        ]
        for (expected, change) in cases {
            let fresh = PreparationTests()
            let found = try fresh.obstacles("open", change)
            #expect(found.contains { $0.reason.contains(expected) }, "\(expected): \(found.map(\.text))")
        }
    }

    @Test("The closed division asks for more")
    func closed() throws {
        #expect(
            try PreparationTests().obstacles("closed") { TestTree.remove($0.place("Server/TEST06")) }
                .contains { $0.reason.contains("host audit --test TEST06") }
        )
        #expect(
            try PreparationTests().obstacles("closed") {
                try $0.change("Server/accuracy") { $0.engine = "podium" }
                try $0.change("Server/performance/run_1") { $0.engine = "podium" }
            }.contains { $0.reason.contains("--loadgen official") }
        )
        #expect(
            try PreparationTests().obstacles("closed") { $0.replace("Server/accuracy/accuracy.txt", "44.4495", "12.5") }
                .contains { $0.reason.contains("reaches no target") }
        )
    }

    @Test("Results go to the strictest variant that all scenarios reach")
    func variants() throws {
        experiment.replace("Server/accuracy/accuracy.txt", "44.4495", "44.2")
        var planned = try SubmissionPreparation.run(request(), writes: false)
        #expect(planned.listing.contains("/llama2-70b-99/") && !planned.listing.contains("/llama2-70b-99.9/"))
        var other = request()
        other.variant = "all"
        planned = try SubmissionPreparation.run(other, writes: false)
        #expect(planned.listing.contains("/llama2-70b-99/") && planned.listing.contains("/llama2-70b-99.9/"))
        other.variant = "llama2-70b-98"
        #expect(try !SubmissionPreparation.run(other, writes: false).isSubmittable)
        #expect(!TestTree.exists(experiment.output))
    }

    @Test("Nothing is overwritten")
    func present() throws {
        TestTree.makeFolder(experiment.output)
        let error = try #require(throws: SubmissionError.self) {
            try SubmissionPreparation.run(request(), writes: true)
        }
        #expect("\(error)".contains("is there already"))
        TestTree.remove(experiment.output)
        TestTree.makeFolder("\(experiment.output).unfinished")
        #expect(throws: SubmissionError.self) { try SubmissionPreparation.run(request(), writes: true) }
    }

    @Test("A request that cannot be understood is an error that says why")
    func requests() throws {
        func reason(_ change: (inout SubmissionRequest) -> Void) throws -> String {
            var request = request()
            change(&request)
            return try #require(throws: SubmissionError.self) { try SubmissionPreparation.run(request, writes: true) }
                .description
        }
        #expect(try reason { $0.division = "network" }.contains("closed or open"))
        #expect(try reason { $0.submitter = "a/b" }.contains("folder"))
        #expect(try reason { $0.submitter = "" }.contains("folder"))
        #expect(try reason { $0.round = "v7.0" }.contains("v6.0, v6.1"))
        #expect(try reason { $0.status = "sold" }.contains("available"))
        #expect(try reason { $0.experiment = "/nowhere" }.contains("no folder"))
        #expect(try reason { $0.experiment = TestTree.fixtures }.contains("holds no results"))
        #expect(try reason { $0.system = "/nowhere.json" }.contains("is no file"))
        #expect(try reason { $0.measurements = "/nowhere.json" }.contains("is no file"))
        #expect(try reason { $0.calibration = "/nowhere.md" }.contains("cannot be read"))
        try experiment.change("Server/performance/run_1") { $0.round = "v6.1" }
        #expect(try reason { _ in }.contains("rounds v6.0 and v6.1"))
    }

    @Test("A system description is taken as it is, with division and submitter of the submission")
    func systemGiven() throws {
        var request = request()
        request.system = "\(TestTree.fixtures)/tree/closed/Tester/systems/1xTestnode.json"
        request.submitter = "Somebody"
        let measurements = "\(experiment.folder.path)/m.json"
        TestTree.write(measurements, Array("{\"weight_data_types\": \"fp8\"}".utf8))
        request.measurements = measurements
        let outcome = try SubmissionPreparation.run(request, writes: true)
        #expect(outcome.obstacles.contains { $0.reason.contains("the copy says \"Somebody\"") })
        let report = try SubmissionCheck.run(tree: experiment.output, rules: RoundRules.named("v6.0"))
        #expect(report.isAccepted && report.findings.isEmpty, "\(report.text)")
        let path = "\(experiment.output)/open/Somebody/results/1xTestnode/llama2-70b-99.9/Server/measurements.json"
        #expect(try JSON(contentsOfFile: path)["weight_data_types"] == "fp8")
    }

    @Test("What is forced is written, and the check objects to it")
    func forced() throws {
        experiment.replace("Server/performance/run_1/mlperf_log_detail.txt", "\"VALID\"", "\"INVALID\"")
        var request = request()
        request.isForced = true
        let outcome = try SubmissionPreparation.run(request, writes: true)
        #expect(outcome.isWritten && !outcome.isSubmittable)
        let report = try SubmissionCheck.run(tree: experiment.output, rules: RoundRules.named("v6.0"))
        #expect(report.findings(.review).contains { $0.rule == "validity" })
    }
}
