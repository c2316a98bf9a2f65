import FuzzDriver
import FoundationEssentials
import JSON
import Testing
import TextGeneration

@testable import Llama2

/// Mutated config.json files are read or refused, and never trap.
@Suite struct ConfigurationFuzzTests {
    @Test func mutatedConfigurations() throws {
        let fields = [
            "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
            "intermediate_size", "vocab_size", "max_position_embeddings", "rms_norm_eps", "rope_theta", "rope_scaling",
            "rope_parameters", "rope_type", "factor", "eos_token_id", "llama3", "linear", "default",
        ]
        let seeds = try GoldenCheckpoint.own.map { golden in
            Array(try Data(contentsOf: URL(filePath: golden.folder + "/config.json")))
        }
        let fuzzer = Fuzzer(
            name: "llama config",
            seeds: seeds,
            tokens: Fuzzer.jsonTokens + fields.map { "\"\($0)\"" }
        )
        let report = fuzzer.run { bytes in
            guard let json = try? JSON(parsing: bytes) else { return false }
            guard let configuration = try? LlamaConfiguration(JSONField(json, at: "config.json")) else { return false }
            // What a worker computes from it before any file of weights is opened.
            return configuration.geometry.layers > 0
        }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }
}
