import CPluginAPI
import Glibc
import JSON
import Kernels
import MallocCounter
import Synchronization
import Testing

/// The serving engine, driven through the plugin's tables with the real kernels.
@Suite struct EngineTests {
    let golden: GoldenCheckpoint
    let prompts: [[Int32]]

    init() throws {
        golden = try #require(GoldenCheckpoint.own.first)
        prompts = try golden.prompts.map(\.ids)
    }

    private func trace(
        _ prompts: [[Int32]],
        threads: Int = 1,
        _ options: [(String, JSON)] = []
    ) throws -> EngineTrace {
        try EngineTrace(prompts, model: golden.folder, threads: threads, options)
    }

    @Test(arguments: ["f32", "bf16", "fp8"])
    func bitsDependOnNothingButThePrompt(cache: String) throws {
        let type: (String, JSON) = ("kv_cache", .string(cache))
        let one = try trace(prompts, [("max_batch", 1), ("prefill_chunk", 64), type])
        let ideal = zip(prompts, one.tokens).reduce(0) { $0 + $1.0.count + $1.1.count - 1 }
        #expect(one.rows == ideal, "a position was computed twice")
        let ways: [(Int, [(String, JSON)])] = [
            (1, [("max_batch", 8), ("prefill_chunk", 64)]),
            (2, [("max_batch", 3), ("prefill_chunk", 5)]),
            (3, [("max_batch", 2), ("prefill_chunk", 1), ("page_size", 1)]),
            (1, [("max_batch", 5), ("prefill_chunk", 7), ("page_size", 3)]),
        ]
        for (threads, options) in ways {
            let other = try trace(prompts, threads: threads, options + [type])
            #expect(other == one, "\(threads) threads, \(options)")
            #expect(other.rows == ideal, "a position was computed twice with \(options)")
        }
    }

    @Test func quarterOfThePagesFinishesByPreemption() throws {
        let free = try trace(prompts, [("max_batch", 6), ("page_size", 4)])
        let longest = (prompts.map(\.count).max() ?? 0) + 23
        let worst = 6 * (longest + 3) / 4 * 4
        let scarce = try trace(
            prompts,
            [("max_batch", 6), ("page_size", 4), ("kv_cache_tokens", .integer(Int64(max(worst / 4, longest))))]
        )
        #expect(scarce == free)
        #expect(scarce.rows > free.rows, "nothing was preempted: \(scarce.rows) rows")
    }

    @Test func lateRequestGetsItsFirstTokenWhileOlderOnesDecode() throws {
        let host = TestHost()
        let plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: golden.folder,
            options: [("max_new_tokens", 300)]
        )
        try plugin.prepare()
        try plugin.start()
        let arrived = Mutex(false)
        host.onFirstToken = { id in arrived.withLock { $0 = $0 || id == 3 } }
        let early = try plugin.issue(Array(prompts.prefix(3)))
        while !arrived.withLock({ $0 }) { sched_yield() }
        let late = try plugin.issue([prompts[3]])
        #expect(host.wait(completions: 4))
        try plugin.stop()
        for id in early { #expect(host.outcome(late[0]).firstTokenOrder < host.outcome(id).completionOrder) }
        for id in early + late { #expect(host.outcome(id).tokens.first == host.outcome(id).firstToken) }
    }

    @Test(arguments: ["1", "2"]) func decodingAllocatesNothing(stepsInFlight: String) throws {
        #expect(malloc_counter_works() == 1)
        let host = TestHost()
        host.keepsOutcomes = false
        let steps = UnsafeMutablePointer<UInt64>.allocate(capacity: 1000)
        defer { steps.deallocate() }
        var count = 0
        host.tap = { kernel, _ in
            guard kernel == PODIUM_EMBEDDING, count < 1000 else { return }
            steps[count] = malloc_counter_thread_allocations()
            count += 1
        }
        let plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: golden.folder,
            options: [
                ("max_new_tokens", 60), ("max_batch", 4), ("page_size", 2), ("kv_cache_tokens", 220),
                ("steps_in_flight", .string(stepsInFlight)),
            ]
        )
        try plugin.prepare()
        try plugin.start()
        try plugin.issue(prompts + prompts)
        #expect(host.wait(completions: 2 * prompts.count))
        try plugin.stop()
        #expect(count > 100)
        // The first steps load what the dynamic linker and the runtime resolve lazily. From there on admissions,
        // preemptions, page table updates, first tokens and completions are all among the steps.
        let late = UnsafeBufferPointer(start: steps, count: count).dropFirst(20)
        #expect(late.first == late.last, "\(late.last! - late.first!) allocations in \(late.count) steps")
    }

    // MARK: Ending

    @Test func cancelledSamplesCompleteOnce() throws {
        let host = TestHost()
        let plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: golden.folder,
            options: [("max_new_tokens", 200), ("max_batch", 2)]
        )
        try plugin.prepare()
        try plugin.start()
        let ids = try plugin.issue(prompts)
        try plugin.cancel([ids[0], ids[4], 999])
        #expect(host.wait(completions: prompts.count))
        try plugin.cancel([ids[1]])
        try plugin.stop()
        for (index, id) in ids.enumerated() {
            let status = try #require(host.outcome(id).status)
            #expect(status == mlp_status(index == 0 || index == 4 ? MLP_CANCELLED : MLP_OK), "sample \(index)")
        }
        #expect(host.allMessages.allSatisfy { !$0.hasPrefix("bad report") })
    }

    @Test func stopCancelsWhatIsLeftAndStartWorksAgain() throws {
        let host = TestHost()
        let plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: golden.folder,
            options: [("max_new_tokens", 400), ("max_batch", 2)]
        )
        try plugin.prepare()
        var expected: [Int32]?
        for _ in 0..<3 {
            try plugin.start()
            let ids = try plugin.issue(prompts + prompts)
            #expect(host.wait(completions: host.completionCount + 1))
            try plugin.stop()
            let known = host.completionCount
            for id in ids { #expect(host.outcome(id).status != nil) }
            #expect(host.completionCount == known)
            let first = host.outcome(ids[0]).tokens
            #expect(first == expected ?? first)
            expected = first
        }
        #expect(host.allMessages.allSatisfy { !$0.hasPrefix("bad report") })
    }

    @Test func lifeCycleGivesMemoryBack() throws {
        let host = TestHost()
        for _ in 0..<5 {
            let plugin = try LoadedPlugin(host: host, role: "worker", model: golden.folder)
            try plugin.prepare()
            try plugin.start()
            try plugin.check(plugin.inference.pointee.warm_up(plugin.plugin), "warm_up")
            try plugin.stop()
        }
        #expect(host.liveAllocations == 0)
        #expect(host.completionCount == 0, "warm-up reported a sample")
    }

    @Test func failingDeviceFailsSamplesNotTheProcess() throws {
        let host = TestHost()
        let plugin = try LoadedPlugin(host: host, role: "worker", model: golden.folder)
        try plugin.prepare()
        try plugin.start()
        host.failAfter = 12
        let ids = try plugin.issue(prompts)
        #expect(host.wait(completions: prompts.count))
        let later = try plugin.issue([prompts[0]])
        #expect(host.wait(completions: prompts.count + 1))
        try plugin.stop()
        for id in ids + later { #expect(host.outcome(id).status == mlp_status(MLP_DEVICE_ERROR)) }
        #expect(host.allMessages.contains { $0.contains("text generation stopped") })
    }

    @Test func impossiblePromptsAreRefusedAlone() throws {
        let host = TestHost()
        let plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: golden.folder,
            options: [("kv_cache_tokens", 128), ("max_new_tokens", 16)]
        )
        try plugin.prepare()
        try plugin.start()
        let tooLong = [Int32](repeating: 3, count: 1 << 13)
        let tooLongForCache = [Int32](repeating: 3, count: 120)
        let ids = try plugin.issue([prompts[0], tooLong, tooLongForCache, [], [5, -1], [1, 1 << 20], prompts[1]])
        #expect(host.wait(completions: 7))
        try plugin.stop()
        let statuses = ids.map { host.outcome($0).status }
        let bad = mlp_status(MLP_INVALID_ARGUMENT)
        #expect(statuses == [0, bad, bad, bad, bad, bad, 0])
        let messages = host.allMessages.joined(separator: "\n")
        for part in [
            "sample 1: the prompt of 8192 tokens", "kv_cache_tokens", "0 bytes", "token 1 of the prompt is -1",
        ] {
            #expect(messages.contains(part), "\(part) in \(messages)")
        }
    }

    // MARK: End of sequence

    @Test func endTokenEndsTheSampleAndIsItsLastToken() throws {
        let greedy = try golden.prompts[2].greedy
        let copy = try ScratchCheckpoint(of: golden.folder)
        try copy.edit("generation_config.json", [("eos_token_id", [.integer(Int64(greedy[4])), 0])])
        let first = try #require(greedy.firstIndex(of: greedy[4]))
        let ended = try generate([prompts[2]], model: copy.folder, options: [("stop_at_eos", true)])
        #expect(ended[0].tokens == Array(greedy[...first]))
        let free = try generate([prompts[2]], model: copy.folder, options: [("stop_at_eos", false)])
        #expect(free[0].tokens == greedy)
    }

    @Test func endTokenIsNotChosenTooEarly() throws {
        let greedy = try golden.prompts[2].greedy
        let copy = try ScratchCheckpoint(of: golden.folder)
        try copy.edit("generation_config.json", [("eos_token_id", .integer(Int64(greedy[0])))])
        let host = TestHost()
        var second: Int32?
        host.tap = { kernel, arguments in
            guard kernel == PODIUM_ARGMAX, second == nil else { return }
            let logits = UnsafeBufferPointer(start: arguments.floats(1), count: Int(arguments.int(4)))
            second = logits.indices.filter { $0 != Int(greedy[0]) }.max { logits[$0] < logits[$1] }.map { Int32($0) }
        }
        let outcomes = try generate(
            [prompts[2]],
            model: copy.folder,
            host: host,
            options: [("stop_at_eos", true), ("min_new_tokens", 1)]
        )
        #expect(outcomes[0].tokens.first == second)
        #expect(outcomes[0].firstToken == second)
        let zero = try generate(
            [prompts[2]],
            model: copy.folder,
            options: [("stop_at_eos", true), ("min_new_tokens", 0)]
        )
        #expect(zero[0].tokens == [greedy[0]])
    }

    @Test func contextLimitsGeneration() throws {
        let copy = try ScratchCheckpoint(of: golden.folder)
        try copy.edit("config.json", [("max_position_embeddings", .integer(Int64(prompts[2].count + 5)))])
        let outcomes = try generate([prompts[2]], model: copy.folder, options: [("page_size", 4)])
        #expect(outcomes[0].tokens == Array(try golden.prompts[2].greedy.prefix(5)))
    }
}
