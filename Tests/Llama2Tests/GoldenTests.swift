import JSON
import Kernels
import Numerics
import Testing

/// The golden checkpoints, computed through the plugin's tables.
@Suite struct GoldenTests {
    @Test func thereAreCases() {
        if GoldenCheckpoint.all.isEmpty {
            print("golden llama: not run (no Llama checkpoint in \(GoldenCheckpoint.root))")
        }
        #expect(!GoldenCheckpoint.own.isEmpty, "no golden data in \(GoldenCheckpoint.ownRoot)")
    }

    /// What the code cannot do yet is said, not left out.
    @Test func everythingElseIsNamed() {
        for other in GoldenCheckpoint.others { print("golden \(other.name): not run (\(other.reason))") }
        #expect(GoldenCheckpoint.all.count + GoldenCheckpoint.others.count > 0)
    }

    @Test(arguments: GoldenCheckpoint.all)
    func greedyTokens(_ golden: GoldenCheckpoint) throws {
        guard try golden.isSupported("greedy tokens") else { return }
        let prompts = try golden.prompts
        let length = prompts.map(\.greedy.count).max() ?? 0
        let outcomes = try generate(
            prompts.map(\.ids),
            model: golden.folder,
            options: [("max_new_tokens", .integer(Int64(length)))]
        )
        var wrong = 0
        for (prompt, outcome) in zip(prompts, outcomes) {
            #expect(outcome.status == 0)
            #expect(outcome.firstToken == prompt.greedy.first)
            #expect(outcome.firstTokenOrder < outcome.completionOrder)
            #expect(Array(outcome.tokens.prefix(prompt.greedy.count)) == prompt.greedy)
            wrong += zip(outcome.tokens, prompt.greedy).filter { $0 != $1 }.count
        }
        golden.report("greedy tokens", worst: Double(wrong), tolerance: 0)
    }

    /// The logits at every position of a prompt, which are those of each of its prefixes, and the stream of activations
    /// before each layer and after the last norm.
    @Test(arguments: GoldenCheckpoint.all)
    func logitsAndHiddenStates(_ golden: GoldenCheckpoint) throws {
        guard try golden.isSupported("logits") else { return }
        let prompts = try golden.prompts
        let expected = try golden.tensors
        let tolerance = try golden.tolerance
        var observed: [Int: Observation] = [:]
        for tensor in expected.tensors {
            let parts = tensor.name.split(separator: "_")
            let hidden = parts.count == 3 && parts[0] == "hidden" && parts[2].hasPrefix("prompt") ? Int(parts[1]) : nil
            let isLogits = parts.count == 2 && parts[0] == "logits"
            guard hidden != nil || isLogits else { continue }
            let number = try #require(Int(parts[parts.count - 1].drop { !$0.isNumber }))
            let ids = try #require(prompts.indices.contains(number) ? prompts[number].ids : nil)
            let observation = try observed[number] ?? Observation(prefixesOf: ids, golden)
            observed[number] = observation
            let computed = hidden.map { observation.hidden[$0] ?? [] } ?? observation.logits
            let worst = worstDistance(computed, try tensor.floats())
            golden.report(tensor.name, worst: worst, tolerance: tolerance)
            #expect(worst <= tolerance, "\(tensor.name)")
        }
    }

    /// What the model computes at the last position of every prefix of a prompt.
    private struct Observation {
        var logits: [Float] = []
        /// Before layer k; after the last layer and norm for the largest k.
        var hidden: [Int: [Float]] = [:]

        init(prefixesOf ids: [Int32], _ golden: GoldenCheckpoint) throws {
            let host = TestHost()
            var norms = 0
            var logits: [Float] = []
            var hidden: [Int: [Float]] = [:]
            host.tap = { kernel, arguments in
                if kernel == PODIUM_ARGMAX {
                    logits += UnsafeBufferPointer(start: arguments.floats(1), count: Int(arguments.int(4)))
                } else if kernel == PODIUM_RMS_NORM {
                    let width = Int(arguments.int(7))
                    let isLast = arguments.raw(4) != nil
                    // The last row of the step is the last of the prefix; the final norm has that row alone.
                    let row = isLast ? 0 : Int(arguments.ints(5)![0]) - 1
                    if norms.isMultiple(of: 2) {
                        let values = (isLast ? arguments.floats(1)! : arguments.floats(2)!) + row * width
                        hidden[norms / 2, default: []] += UnsafeBufferPointer(start: values, count: width)
                    }
                    norms = isLast ? 0 : norms + 1
                }
            }
            _ = try generate(
                ids.indices.map { Array(ids[...$0]) },
                model: golden.folder,
                host: host,
                options: [("max_new_tokens", 1), ("max_batch", 1), ("prefill_chunk", .integer(Int64(ids.count)))]
            )
            self.logits = logits
            self.hidden = hidden
        }
    }

    /// Frequencies differ from transformers' by the rounding of one power at most.
    @Test(arguments: GoldenCheckpoint.all)
    func rotaryFrequencies(_ golden: GoldenCheckpoint) throws {
        guard try golden.isSupported("inv_freq"), let expected = try golden.tensors["inv_freq"]?.floats() else {
            return
        }
        let host = TestHost()
        var computed: [Float] = []
        host.tap = { kernel, arguments in
            guard kernel == PODIUM_ROPE_TABLES else { return }
            computed = Array(UnsafeBufferPointer(start: arguments.floats(3), count: Int(arguments.int(6))))
        }
        _ = try generate([[1]], model: golden.folder, host: host, options: [("max_new_tokens", 1)])
        #expect(computed.count == expected.count)
        let worst = zip(computed, expected).map { abs(Double($0) / Double($1) - 1) }.max() ?? .infinity
        golden.report("inv_freq", worst: worst, tolerance: 2.4e-7)
        #expect(worst <= 2.4e-7)
    }
}

private func worstDistance(_ computed: [Float], _ expected: [Float]) -> Double {
    guard computed.count == expected.count else { return .infinity }
    return zip(computed, expected).reduce(0) { worst, pair in
        let distance = abs(Double(pair.0) - Double(pair.1))
        return distance.isNaN ? .infinity : max(worst, distance)
    }
}
