import Glibc
import JSON
import Testing

@testable import Core

/// What can go wrong with a GPU: a sentence that says what to do, and a run that is INVALID with all that it measured.
@Suite struct ShimFaultTests {
    private static let model = HostProcess.root + "/Plugins/Llama2/Demo/checkpoint"

    /// Something that is wrong before a sample is issued.
    struct Obstacle: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var machine: String
        var memory = 256 << 20
        var options: [String] = []
        var says: [String]
    }

    static let obstacles = [
        Obstacle(testDescription: "no device", machine: "devices=0", says: ["hip: ", "sees no device"]),
        Obstacle(
            testDescription: "unknown architecture",
            machine: "arch=gfx1100",
            says: ["no code object for gfx1100", "unknown target 'gfx1100'", "`host devices`", "`make kernels`"]
        ),
        Obstacle(
            testDescription: "no room for the weights",
            machine: "",
            memory: 1 << 20,
            says: [
                "hip:0 is out of memory", "weights need 5632128 bytes", "1048576 bytes of Fake Instinct 0",
                "What would fit",
            ]
        ),
        Obstacle(
            testDescription: "no room for the cache",
            machine: "",
            memory: 8 << 20,
            options: ["kv_cache_tokens=100000"],
            says: [
                "key-value cache", "the weights take 5632128", "3840 bytes for each token",
                "model_config.kv_cache_tokens=", "would fit",
            ]
        ),
        Obstacle(
            testDescription: "lost while weights are copied",
            machine: "fail=synchronize:20:709",
            says: ["weights: hip:0", "context is destroyed (hip error 709)"]
        ),
    ]

    private func run(_ machine: String, memory: Int, options: [String], output: String) throws -> HostProcess.Outcome {
        let texts = ["In the beginning", "And", "The", "Now"].map { JSON.object(JSONObject([("text", .string($0))])) }
        return try HostProcess.run(
            [
                "--plugin", "libLlama2.so", "--model", Self.model, "--dataset", try DatasetFile.write(texts),
                "--scenario", "offline", "--mode", "accuracy", "--output", output,
                "harness_config.enable_warmup=false", "model_config.max_batch=1", "model_config.prefill_chunk=8",
                "model_config.max_new_tokens=2", "model_config.min_new_tokens=2",
            ] + options.map { "model_config.\($0)" } + ShimDevice.gfx942.words,
            environment: ShimDevice.gfx942.environment(machine, memory: memory)
        )
    }

    @Test(arguments: obstacles)
    func obstacle(_ obstacle: Obstacle) throws {
        let outcome = try run(
            obstacle.machine,
            memory: obstacle.memory,
            options: obstacle.options,
            output: try TemporaryFolder.folder()
        )
        #expect(outcome.status != 0 && outcome.status < 128, "\(outcome.status)")
        for words in obstacle.says {
            #expect(outcome.errors.contains(words), "\(words)\n\(outcome.errors)")
        }
        #expect(!outcome.output.contains("VALID"), "nothing was measured")
    }

    @Test func aMissingLibraryIsNamed() throws {
        let outcome = try HostProcess.run(
            ["--plugin", "libLlama2.so", "--model", Self.model, "--scenario", "offline", "--device", "hip:0"],
            environment: ["PODIUM_HIP_LIBRARY": "/nowhere/libamdhip64.so"]
        )
        #expect(outcome.status != 0 && outcome.errors.contains("/nowhere/libamdhip64.so"), "\(outcome.errors)")
    }

    /// A kernel that faults, or a device that is lost, after a sample or two: what was done before is in the logs.
    @Test(arguments: [(700, "an illegal memory access was encountered"), (709, "context is destroyed")])
    func theDeviceIsLost(error: Int, words: String) throws {
        let output = try TemporaryFolder.folder()
        // Some 50 kernels make a step, and three steps a sample.
        let outcome = try run(
            "fail=execute:330:\(error)",
            memory: 256 << 20,
            options: ["kv_cache_tokens=512"],
            output: output
        )
        #expect(outcome.status == 2 || outcome.status == 3, "\(outcome.status): \(outcome.output)\(outcome.errors)")
        let said = outcome.output + outcome.errors
        #expect(said.contains("\(words) (hip error \(error))") && said.contains("INVALID"), "\(said)")
        let path = output + "/mlperf_log_accuracy.json"
        let entries = try JSONField(try JSON(contentsOfFile: path), at: path).array()
        let whole = try entries.count { try $0["token_count"].int() == 2 }
        #expect(entries.count == 4 && whole > 0 && whole < 4, "\(whole) of \(entries.count)")
        let summary = String(decoding: try TextFile.read(output + "/mlperf_log_summary.txt"), as: UTF8.self)
        #expect(summary.contains("ERRORS encountered"), "\(summary)")
        let detail = String(decoding: try TextFile.read(output + "/mlperf_log_detail.txt"), as: UTF8.self)
        #expect(detail.hasSuffix("}\n") && detail.contains("\"power_end\""))
    }
}
