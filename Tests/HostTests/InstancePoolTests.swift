import CPluginAPI
import Glibc
import JSON
import MallocCounter
import RunRecords
import Testing

@testable import Core

/// Several instances of a plugin in one run.
@Suite struct InstancePoolTests {
    private static let counterWorks = malloc_counter_works() == 1
    private static let policies = ["round_robin", "shortest_queue", "shortest_queue_with_tokens"]

    /// An accuracy log's entries, in the order of the data set.
    private func entries(_ folder: String) throws -> [String] {
        let path = folder + "/mlperf_log_accuracy.json"
        return try JSONField(try JSON(contentsOfFile: path), at: path).array().map { entry in
            "\(try entry["qsl_idx"].int()): \(try entry["data"].string())"
        }.sorted()
    }

    private func run(_ words: [String]) throws -> (outcome: HostProcess.Outcome, folder: String) {
        let folder = try TemporaryFolder.folder()
        let conf = folder + "/user.conf"
        try TextFile.write("*.*.min_duration = 0\n*.*.min_query_count = 100\n*.*.target_qps = 1000\n", to: conf)
        let outcome = try HostProcess.run(["--user-conf", conf, "--output", folder + "/run"] + words)
        return (outcome, folder + "/run")
    }

    @Test(arguments: ["offline", "server", "multistream"])
    func sameAnswersFromOneTwoAndThreeInstances(_ scenario: String) throws {
        let words = ["--plugin", "libEcho.so", "--scenario", scenario, "--mode", "accuracy"]
        let alone = try run(words)
        #expect(alone.outcome.status == 0, "\(alone.outcome)")
        let wanted = try entries(alone.folder)
        #expect(wanted.count == 64)
        for (count, more) in [(2, []), (3, []), (2, ["--isolate"])] {
            for policy in Self.policies {
                let several = try run(
                    words + more + [
                        "harness_config.device_count=\(count)", "harness_config.schedule_algo=\(policy)",
                    ]
                )
                #expect(several.outcome.status == 0, "\(several.outcome)")
                #expect(try entries(several.folder) == wanted, "\(count) instances, \(policy) \(more)")
                let record = try RunRecord(folder: several.folder)
                #expect(record.sharing == policy && record.instances.count == count)
                #expect(record.instances.map(\.samples).reduce(0, +) == 64)
                #expect(record.instances.allSatisfy { $0.unfinished == 0 && $0.samples > 0 })
                #expect(several.outcome.output.contains("instance \(count) of \(count)"))
            }
        }
    }

    @Test func aGroupOfTwoDevices() throws {
        let words = ["--plugin", "libPair.so", "--scenario", "offline", "--mode", "accuracy"]
        let alone = try run(words)
        #expect(alone.outcome.status == 0, "\(alone.outcome)")
        let wanted = try entries(alone.folder)
        for (devices, more) in [(2, []), (4, []), (4, ["--isolate"])] {
            let groups = try run(
                words + more + [
                    "harness_config.device_count=\(devices)", "harness_config.devices_per_instance=2",
                    "model_config.devices=2",
                ]
            )
            #expect(groups.outcome.status == 0, "\(groups.outcome)")
            #expect(try entries(groups.folder) == wanted)
            let record = try RunRecord(folder: groups.folder)
            #expect(record.devicesPerInstance == 2 && record.instances.count == (devices == 2 ? 0 : 2))
        }
        // A workload that cannot: Llama 2.
        let model = HostProcess.root + "/Plugins/Llama2/Demo/checkpoint"
        let refused = try run([
            "--plugin", "libLlama2.so", "--scenario", "offline", "--model", model, "harness_config.device_count=2",
            "harness_config.devices_per_instance=2",
        ])
        #expect(refused.outcome.status == 64)
        #expect(refused.outcome.errors.contains("a group of 2 devices is not supported"), "\(refused.outcome)")
    }

    @Test func noDeviceIsTheUsersFault() throws {
        // Where there is a GPU runtime it sees no device; where there is none it cannot be loaded.
        for more in [[], ["--isolate"], ["harness_config.device_count=2"]] {
            let outcome = try run(
                ["--plugin", "libEcho.so", "--scenario", "offline", "--device", "cuda:1021,1022"] + more
            ).outcome
            #expect(outcome.status == 64, "\(outcome)")
            #expect(outcome.errors.contains("device cuda:102"), "\(outcome)")
        }
    }

    /// Every configuration for GPUs, where there is none: planned as any other, and refused before anything is read.
    @Test func configurationsForGPUsWithoutOne() throws {
        let folder = "Plugins/Llama2/Configs"
        let names = ConfigFiles.disk.names("\(HostProcess.root)/\(folder)").filter { $0.contains("_mi3") }
        let files = names.filter { $0.hasSuffix(".yaml") }
        #expect(files.count == 6 && names.count == 10)
        for file in files {
            let words = ["--plugin", "libLlama2.so", "--config-path", folder, "--config-name", file]
            let demo = ["--model", "Plugins/Llama2/Demo/checkpoint"]
            let samples = ["--dataset", "Plugins/Llama2/Demo/prompts.jsonl", "harness_config.total_sample_count=-1"]
            let plan = try HostProcess.run(["plan"] + words + demo + samples)
            #expect(plan.status == 0, "\(file): \(plan)")
            let user = "\(folder)/user_\(file.contains("mi300x") ? "mi300x" : "mi355x")_1gpu.conf"
            let one = ["harness_config.device_count=1", "--user-conf", user]
            // Ordinals that no machine has.
            for more in [["device=hip:1001,1002,1003,1004,1005,1006,1007,1008"], one + ["device=hip:1001"]] {
                let output = ["--output", try TemporaryFolder.folder() + "/run"]
                let outcome = try HostProcess.run(words + demo + more + output)
                #expect(outcome.status == 64, "\(file) \(more): \(outcome)")
                #expect(outcome.errors.contains("device hip:100"), "\(file) \(more): \(outcome)")
            }
        }
    }

    // MARK: Faults of one

    /// A library whose instances get options of their own, by the name that faults carry.
    private final class Uneven: OpenPlugin {
        let library: InProcessLibrary
        let options: [String: JSON]
        var path: String { library.path }
        var workloads: [WorkloadDescription] { library.workloads }
        var abiMinor: UInt32 { library.abiMinor }

        init(_ name: String, _ options: [String: JSON]) throws {
            let library = try PluginLibrary(named: HostProcess.products + "/" + name)
            self.library = InProcessLibrary(library: library, log: { _, _ in })
            self.options = options
        }

        func makeInstance(_ request: InstanceRequest) throws -> any PluginInstance {
            var request = request
            if let options = request.name.flatMap({ options[$0] }) { request.options = options }
            return try library.makeInstance(request)
        }
    }

    private func sin(_ sin: String) throws -> JSON {
        let library = try PluginLibrary(named: HostProcess.products + "/libMischief.so")
        let declared = try WorkloadOptions(declaration: library.workloads[0].options, workload: "mischief")
        return .object(JSONObject(try declared.resolve([]).map { ($0, $0 == "sin" ? .string(sin) : $1) }))
    }

    @Test(arguments: [("create_no_reason", "create"), ("prepare_fails", "prepare"), ("start_hang", "start")])
    func oneOfThreeThatNeverBegins(_ name: String, _ call: String) throws {
        let none = try sin("none")
        let plugin = try Uneven("libMischief.so", ["instance 2 of 3": try sin(name)])
        var request = InstanceRequest(workload: 0, options: none, threads: 3)
        request.limits.control = 0.5
        let fault = #expect(throws: PluginFault.self) {
            let pool = try plugin.makeInstances(request, count: 3, sharing: .roundRobin)
            try pool.prepare()
            try pool.start(results: RecordingSink())
        }
        #expect(fault?.call == call)
        #expect(fault?.description.contains("(instance 2 of 3): \(call): ") == true, "\(fault?.description ?? "")")
    }

    @Test(arguments: ["issue_fails", "ignores_cancel"])
    func oneOfTwoThatFailsInARun(_ name: String) throws {
        let plugin = try Uneven("libMischief.so", ["instance 2 of 2": try sin(name)])
        let pool = try #require(
            try plugin.makeInstances(
                InstanceRequest(workload: 0, options: try sin("none"), threads: 2),
                count: 2,
                sharing: .shortestQueue
            ) as? InstancePool
        )
        try pool.prepare()
        let faults = Faults()
        let underTest = try PluginUnderTest(pool, limit: nil) { faults.add($0) }
        var settings = TestSettings()
        settings.scenario = .offline
        settings.minDurationMs = 0
        settings.minQueryCount = 32
        let folder = try TemporaryFolder.folder()
        let run = LoadGenRun(settings: settings, qsl: underTest, sut: underTest, output: folder)
        try pool.start(results: run.ledger)
        let watchdog = ProgressWatchdog(run: run, timeout: 1) { _ in Issue.record("the run is stuck") }
        try watchdog.start()
        let result = try run.run()
        watchdog.stop()
        #expect(!result.isValid && result.logFiles.count == 3)
        if name == "issue_fails" {
            #expect(faults.all.first?.description.contains("(instance 2 of 2): issue: ") == true)
        } else {
            // Shortest queue: all of its part is still with the one that does nothing.
            let shares = pool.sharing
            let left = shares.map { "\($0.unfinished) of \($0.samples)" }
            #expect(shares[0].unfinished == 0, "\(left)")
            #expect(shares[1].unfinished == shares[1].samples && shares[1].samples > 0, "\(left)")
            try pool.stop()
            try pool.destroy()
        }
    }

    private final class Faults: @unchecked Sendable {
        private(set) var all: [PluginFault] = []
        func add(_ fault: PluginFault) { all.append(fault) }
    }

    @Test func crashAndHangOfAProcessNameTheInstance() throws {
        let words = [
            "--plugin", "libMischief.so", "--isolate", "--scenario", "singlestream", "harness_config.device_count=2",
            "harness_config.watchdog_sec=1", "harness_config.call_timeout_sec=1",
        ]
        let ends = [
            ("issue_crash", "its process ended with signal 11"),
            ("issue_hang", "issue: it did not return within 1.0 s"),
            ("thread_crash", "its process ended with signal 11"),
            ("stop_crash", "stop: its process ended with signal 11"),
        ]
        for (sin, says) in ends {
            let (outcome, folder) = try run(words + ["model_config.sin=\(sin)"])
            #expect(outcome.status == 3, "\(sin): \(outcome)")
            #expect(outcome.output.contains("INVALID"), "\(sin): \(outcome)")
            let line = outcome.output.split(separator: "\n").first { $0.contains(says) && $0.contains(" of 2): ") }
            #expect(line != nil, "\(sin): \(outcome)")
            // The logs are closed.
            #expect(access(folder + "/mlperf_log_summary.txt", R_OK) == 0)
            #expect(try RunRecord(folder: folder).status == .pluginFault)
        }
        // In this process a hang in issue ends the run with the instance's name as well.
        let (outcome, _) = try run(words.filter { $0 != "--isolate" } + ["model_config.sin=issue_hang"])
        #expect(outcome.status == 3 && outcome.output.contains("(instance 1 of 2): issue: "), "\(outcome)")
    }

    // MARK: Instances that the test plays

    private func stubs(
        _ count: Int,
        _ policy: SharingPolicy,
        device: DeviceSelection = .cpu,
        perInstance: Int = 1
    ) throws -> (InstancePool, StubLibrary) {
        let library = try StubLibrary()
        let request = InstanceRequest(
            workload: 0,
            options: .object([:]),
            device: device,
            deviceCount: perInstance,
            threads: 5
        )
        let pool = try InstancePool(library, request, count: count, policy: policy)
        try pool.reserve(samplesPerQuery: 5000, sampleCount: 5000)
        try pool.start(results: RecordingSink())
        try pool.load(Array(0..<5000))
        return (pool, library)
    }

    private func issue(_ pool: InstancePool, _ range: Range<UInt64>) throws {
        let samples = range.map { IssuedSample(id: $0 + 1, index: $0) }
        try samples.withUnsafeBufferPointer { try pool.issue($0) }
    }

    @Test func devicesAndThreadsAreSharedOut() throws {
        let (_, named) = try stubs(
            2,
            .roundRobin,
            device: DeviceSelection(kind: .hip, ordinals: [6, 0, 4, 2]),
            perInstance: 2
        )
        #expect(named["instance 1 of 2, hip:6,0"]?.request.device.ordinals == [6, 0])
        #expect(named["instance 2 of 2, hip:4,2"]?.request.device.ordinals == [4, 2])
        #expect(named["head"]?.request.role == "head")
        let (_, first) = try stubs(3, .roundRobin, device: DeviceSelection(kind: .hip))
        #expect(first["instance 3 of 3, hip:2"]?.request.role == "worker")
        let (_, cpu) = try stubs(2, .roundRobin)
        #expect(cpu["instance 2 of 2"]?.request.threads == 2)
    }

    @Test func aLargeQueryReachesEveryInstanceInPieces() throws {
        let (pool, library) = try stubs(3, .shortestQueue)
        try issue(pool, 0..<5000)
        var seen: Set<UInt64> = []
        for place in 1...3 {
            let parts = try #require(library["instance \(place) of 3"]?.issued)
            #expect(parts.first?.count == 256 && parts.count > 5)
            for sample in parts.joined() {
                #expect(seen.insert(sample.index).inserted && sample.id == sample.index + 1)
            }
        }
        #expect(seen.count == 5000)
    }

    @Test func tokensOfThePayloadsAreCounted() throws {
        let (pool, library) = try stubs(2, .shortestQueueWithTokens(weight: 1, window: 0))
        // 1000 tokens, then 10, 11, ... 49 until their sum with one for each exceeds it.
        for index in [1000, 10, 11, 12, 13] as [UInt64] { try issue(pool, index..<(index + 1)) }
        #expect(library["instance 1 of 2"]?.issued.joined().map(\.index) == [1000])
        #expect(library["instance 2 of 2"]?.issued.joined().map(\.index) == [10, 11, 12, 13])
        #expect(pool.shares.outstandingTokens(1) == 46)
    }

    @Test func cancellingReachesTheOwners() throws {
        let (pool, library) = try stubs(2, .roundRobin)
        try issue(pool, 0..<4)
        let ids: [UInt64] = [1, 2, 3, 99]
        ids.withUnsafeBufferPointer { pool.cancel($0) }
        #expect(library["instance 1 of 2"]?.cancelled == [1, 3])
        #expect(library["instance 2 of 2"]?.cancelled == [2])
    }

    @Test func anAnswerForAnotherInstancesSampleIsABreach() throws {
        let (pool, library) = try stubs(2, .roundRobin)
        try issue(pool, 0..<2)
        var result = mlp_result()
        result.id = 1
        _ = library["instance 2 of 2"]?.sink?.complete(&result, 1)
        _ = library["instance 1 of 2"]?.sink?.complete(&result, 1)
        #expect(pool.sharing.map(\.unfinished) == [0, 1])
        let fault = #expect(throws: PluginFault.self) { try pool.stop() }
        #expect(fault?.reason == "instances gave 1 results for samples that other instances were handed")
    }

    @Test func faultsCarryTheInstance() throws {
        let (pool, library) = try stubs(2, .roundRobin)
        let faults = Faults()
        pool.onFault { faults.add($0) }
        let fault = PluginFault(.crash, library: "stub", call: "issue", reason: "gone")
        library["instance 2 of 2"]?.handler?(fault)
        #expect(faults.all.map(\.description) == ["stub (instance 2 of 2): issue: gone"])
        library["instance 1 of 2"]?.fault = fault
        let thrown = #expect(throws: PluginFault.self) { try issue(pool, 0..<1) }
        #expect(thrown?.description == "stub (instance 1 of 2): issue: gone")
    }

    // MARK: Cost

    @Test(
        .enabled(if: counterWorks, "a sanitizer has replaced malloc"),
        arguments: [
            SharingPolicy.roundRobin, .shortestQueue, .shortestQueueWithTokens(weight: 0.02, window: 0),
            .shortestQueueWithTokens(weight: 0.02, window: 10),
        ],
        [Scenario.singleStream, .multiStream, .server]
    )
    func issuingAllocatesNothing(_ policy: SharingPolicy, _ scenario: Scenario) throws {
        let library = try PluginLibrary(embedded: EmptyWorkload.library, name: "empty")
        let pool = try InProcessLibrary(library: library, log: { _, _ in }).makeInstances(
            InstanceRequest(workload: 0, options: .object([:]), threads: 1),
            count: 3,
            sharing: policy
        )
        try pool.prepare()
        let plugin = try PluginUnderTest(pool, limit: nil)
        let queries = 2000
        var settings = TestSettings()
        settings.scenario = scenario
        settings.minDurationMs = 0
        settings.minQueryCount = UInt64(queries)
        settings.serverTargetQps = 100_000
        let counting = CountingSystem(plugin, queries: queries)
        let run = LoadGenRun(settings: settings, qsl: plugin, sut: counting, output: try TemporaryFolder.folder())
        try pool.start(results: run.ledger)
        let result = try run.run()
        try pool.stop()
        try pool.destroy()
        #expect(result.misuse == SampleMisuse() && result.completedSamples >= queries)
        #expect(counting.allocations == 0)
    }
}
