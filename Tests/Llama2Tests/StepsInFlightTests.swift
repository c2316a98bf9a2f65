import CPluginAPI
import Glibc
import JSON
import Kernels
import Synchronization
import Testing

/// Two steps in flight against one: the same bits, whatever ends a sample, and however late the device executes.
@Suite struct StepsInFlightTests {
    /// When the device executes: when it is told to, or when somebody waits.
    enum Device: CaseIterable { case prompt, lazy }

    private let golden: GoldenCheckpoint
    private let prompts: [[Int32]]
    private let greedy: [[Int32]]

    init() throws {
        golden = try #require(GoldenCheckpoint.own.first)
        prompts = try golden.prompts.map(\.ids)
        greedy = try golden.prompts.map(\.greedy)
    }

    private static let one: (String, JSON) = ("steps_in_flight", "1")
    private static let two: (String, JSON) = ("steps_in_flight", "2")

    private func host(_ device: Device) -> TestHost {
        let host = TestHost()
        host.isLazy = device == .lazy
        return host
    }

    /// A number of the engine's statistics, which it logs when it stops.
    private func statistic(_ name: String, _ host: TestHost) throws -> Int {
        let line = try #require(host.allMessages.last { $0.contains("\(name): ") })
        let number = try #require(line.split(separator: "\(name): ").last).prefix { $0.isNumber }
        return try #require(Int(number))
    }

    /// Prompts with end tokens that end some of them early, and some at once.
    private func endingCheckpoint() throws -> ScratchCheckpoint {
        let copy = try ScratchCheckpoint(of: golden.folder)
        let ends = [greedy[0][9], greedy[1][0], greedy[2][4]].map { JSON.integer(Int64($0)) }
        try copy.edit("generation_config.json", [("eos_token_id", .array(ends))])
        return copy
    }

    @Test(arguments: Device.allCases) func bitsAreThoseOfOneStepInFlight(device: Device) throws {
        let one = try EngineTrace(prompts, model: golden.folder, [Self.one])
        let ways: [[(String, JSON)]] = [
            [("max_batch", 8), ("prefill_chunk", 64)],
            [("max_batch", 1), ("prefill_chunk", 64)],
            [("max_batch", 3), ("prefill_chunk", 5)],
            [("max_batch", 2), ("prefill_chunk", 1), ("page_size", 1)],
        ]
        for options in ways {
            let host = host(device)
            let two = try EngineTrace(prompts, model: golden.folder, host: host, options + [Self.two])
            #expect(two == one, "\(options)")
            #expect(two.rows == one.rows, "limits are known beforehand: no row may be discarded with \(options)")
            #expect(try statistic("discardedRows", host) == 0)
            if device == .lazy { #expect(host.mostReplaysQueued == 2, "nothing overlapped") }
        }
        let lazy = host(.lazy)
        #expect(try EngineTrace(prompts, model: golden.folder, host: lazy, [Self.one]) == one)
        #expect(lazy.mostReplaysQueued == 1)
    }

    @Test(arguments: Device.allCases) func aSampleThatAnEndTokenEndsHasOneRowTooMany(device: Device) throws {
        let copy = try endingCheckpoint()
        for minimum in [0, 1, 5] as [Int64] {
            let ending: [(String, JSON)] = [("stop_at_eos", true), ("min_new_tokens", .integer(minimum))]
            let one = try EngineTrace(prompts + prompts, model: copy.folder, ending + [Self.one])
            let early = one.tokens.count { $0.count < 24 }
            #expect(early >= 4)
            for options in [[("max_batch", 1)], [("max_batch", 3), ("page_size", 2)]] as [[(String, JSON)]] {
                let host = host(device)
                let two = try EngineTrace(
                    prompts + prompts,
                    model: copy.folder,
                    host: host,
                    ending + options + [Self.two]
                )
                #expect(two.tokens == one.tokens, "\(minimum) tokens at least, \(options)")
                #expect(two.rows == one.rows + early)
                #expect(try statistic("discardedRows", host) == early)
            }
        }
    }

    @Test(arguments: Device.allCases) func scarcePagesChangeHandsUnderSteps(device: Device) throws {
        let copy = try endingCheckpoint()
        let longest = (prompts.map(\.count).max() ?? 0) + 23
        let scarce: [(String, JSON)] = [
            ("max_batch", 6), ("page_size", 2), ("kv_cache_tokens", .integer(Int64(longest + 20))),
        ]
        for (model, ends) in [(golden.folder, false), (copy.folder, true)] {
            let ending: (String, JSON) = ("stop_at_eos", .bool(ends))
            let one = try EngineTrace(prompts + prompts, model: model, [Self.one, ending])
            let host = host(device)
            let two = try EngineTrace(prompts + prompts, model: model, host: host, scarce + [Self.two, ending])
            #expect(two.tokens == one.tokens)
            #expect(try statistic("preemptions", host) > 0)
        }
    }

    /// Everything at once: seeded options, end tokens, scarce pages and cancelled samples.
    @Test(arguments: Device.allCases) func whateverHappensTheTokensAreTheSame(device: Device) throws {
        let copy = try endingCheckpoint()
        let many = prompts + prompts + prompts
        let longest = (prompts.map(\.count).max() ?? 0) + 23
        let expected = try EngineTrace(many, model: copy.folder, [("stop_at_eos", true), Self.one]).tokens
        var random = SystemRandomNumberGenerator()
        for _ in 0..<12 {
            let pageSize = Int.random(in: 1...5, using: &random)
            let options: [(String, JSON)] = [
                ("stop_at_eos", true), ("max_batch", .integer(Int64.random(in: 1...8, using: &random))),
                ("prefill_chunk", .integer(Int64.random(in: 1...40, using: &random))),
                ("page_size", .integer(Int64(pageSize))),
                (
                    "kv_cache_tokens",
                    .integer(Int64(longest + pageSize + Int.random(in: 0...120, using: &random)))
                ),
                Self.two,
            ]
            let host = host(device)
            let plugin = try LoadedPlugin(host: host, role: "worker", model: copy.folder, options: options)
            try plugin.prepare()
            try plugin.start()
            let ids = try plugin.issue(many)
            let cancelled = Set(ids.filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
            for id in cancelled.sorted() {
                try plugin.cancel([id])
                usleep(UInt32.random(in: 0...300, using: &random))
            }
            #expect(host.wait(completions: many.count), "\(options)")
            try plugin.stop()
            for (index, id) in ids.enumerated() {
                let outcome = host.outcome(id)
                if outcome.status == mlp_status(MLP_CANCELLED) {
                    #expect(cancelled.contains(id) && outcome.tokens.isEmpty)
                } else {
                    #expect(outcome.status == 0 && outcome.tokens == expected[index], "sample \(index), \(options)")
                }
            }
            #expect(host.allMessages.allSatisfy { !$0.hasPrefix("bad report") })
        }
    }

    /// The step after the one that yields a first token has not begun when that token is reported.
    @Test func firstTokensDoNotWaitForTheNextStep() throws {
        let host = host(.lazy)
        let waiting = Mutex<[Int]>([])
        host.onFirstToken = { [unowned host] _ in
            let queued = host.replaysQueued
            waiting.withLock { $0.append(queued) }
        }
        let outcomes = try generate([prompts[0]], model: golden.folder, host: host, options: [Self.two])
        #expect(outcomes[0].tokens == greedy[0])
        #expect(waiting.withLock { $0 } == [1])
    }

    @Test(arguments: Device.allCases) func stopLetsStepsInFlightEnd(device: Device) throws {
        let host = host(device)
        let plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: golden.folder,
            options: [("max_new_tokens", 400), ("max_batch", 2), Self.two]
        )
        try plugin.prepare()
        var expected: [Int32]?
        for _ in 0..<3 {
            try plugin.start()
            try plugin.check(plugin.inference.pointee.warm_up(plugin.plugin), "warm_up")
            let ids = try plugin.issue(prompts + prompts)
            #expect(host.wait(completions: host.completionCount + 1))
            try plugin.stop()
            #expect(host.replaysQueued == 0)
            for id in ids { #expect(host.outcome(id).status != nil) }
            let first = host.outcome(ids[0]).tokens
            #expect(first == expected ?? first)
            expected = first
        }
        #expect(host.allMessages.allSatisfy { !$0.hasPrefix("bad report") })
    }

    @Test(arguments: Device.allCases, [1, 8, 40, 41, 42, 43, 44, 45]) func aDeviceThatFailsFailsSamples(
        device: Device,
        operation: Int
    ) throws {
        let host = host(device)
        let plugin = try LoadedPlugin(host: host, role: "worker", model: golden.folder, options: [Self.two])
        try plugin.prepare()
        try plugin.start()
        host.failAfter = host.operationCount + operation
        let ids = try plugin.issue(prompts)
        #expect(host.wait(completions: prompts.count))
        let later = try plugin.issue([prompts[0]])
        #expect(host.wait(completions: prompts.count + 1))
        try plugin.stop()
        for id in ids + later { #expect(host.outcome(id).status == mlp_status(MLP_DEVICE_ERROR)) }
        #expect(host.replaysQueued == 0)
    }

    @Test func otherNumbersOfStepsAreRefused() {
        for steps in ["0", "3", "many"] {
            #expect(throws: LoadedPlugin.Failure.self) {
                try LoadedPlugin(
                    host: TestHost(),
                    role: "worker",
                    model: golden.folder,
                    options: [("steps_in_flight", .string(steps))]
                )
            }
        }
    }
}
