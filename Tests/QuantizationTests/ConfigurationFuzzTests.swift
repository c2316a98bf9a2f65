import FuzzDriver
import JSON
import Testing

@testable import Quantization

@Suite struct ConfigurationFuzzTests {
    /// Whatever is accepted must also answer for any layer.
    @Test func mutatedConfigurations() throws {
        var seeds = [Array(BadCheckpointTests.config.utf8)]
        for recipe in WriterTests.recipes {
            let whole: JSON = ["quantization_config": try recipe.quarkConfiguration()]
            seeds.append(Array(whole.text().utf8))
        }
        let tokens =
            Fuzzer.jsonTokens + [
                "\"quant_method\"", "\"fp8\"", "\"mxfp4\"", "\"per_block\"", "\"block_size\"", "\"re:[\"", "\"[!a-]*\"",
                "\"group_size\"", "\"ch_axis\"", "\"weight\"",
            ]
        let report = Fuzzer(name: "quantization_config", seeds: seeds, tokens: tokens, defaultCount: 5000).run {
            bytes in
            guard let json = try? JSON(parsing: bytes),
                let configuration = try? QuantizationConfiguration.read(JSONField(json, at: "f"))
            else { return false }
            for name in ["lm_head", "model.layers.0.self_attn.k_proj", ""] {
                guard let scheme = configuration.scheme(ofLayer: name) else { continue }
                _ = scheme.description
                _ = scheme.weight?.scaleShape(rows: 7, columns: 64)
            }
            return true
        }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }
}
