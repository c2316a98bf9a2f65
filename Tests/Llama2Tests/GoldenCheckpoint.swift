import CPluginAPI
import FoundationEssentials
import JSON
import Numerics
import Testing

/// The golden data of one checkpoint: found by listing folders, never by name or size.
struct GoldenCheckpoint: Sendable, CustomTestStringConvertible {
    struct Prompt: Sendable {
        var ids: [Int32]
        var greedy: [Int32]
    }

    /// `llama2/ckpt_float32`.
    var name: String
    var folder: String

    var testDescription: String { name }

    /// The project's own copy of the golden data.
    static let ownRoot =
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden").path
    /// What the environment names (PODIUM_GOLDEN), or the project's own copy.
    static let root = ProcessInfo.processInfo.environment["PODIUM_GOLDEN"] ?? ownRoot

    /// Every checkpoint to be compared.
    static let all = find(root)
    /// Those of the project's own copy, models for tests that compare with nothing golden.
    static let own = find(ownRoot)

    /// Every `golden/*/ckpt*` that has a config.json of a Llama model and an expected.json with prompts.
    private static func find(_ root: String) -> [GoldenCheckpoint] {
        let golden = root + "/golden"
        var found: [GoldenCheckpoint] = []
        for area in list(golden) {
            for checkpoint in list("\(golden)/\(area)") where checkpoint.hasPrefix("ckpt") {
                let candidate = GoldenCheckpoint(
                    name: "\(area)/\(checkpoint)",
                    folder: "\(golden)/\(area)/\(checkpoint)"
                )
                guard let config = try? JSON(contentsOfFile: candidate.folder + "/config.json"),
                    let expected = try? JSON(contentsOfFile: candidate.folder + "/expected.json"),
                    config["model_type"] == "llama", expected["prompts"] != nil
                else { continue }
                found.append(candidate)
            }
        }
        return found
    }

    /// Every other checkpoint in the golden folder, with why nothing here computes it.
    static var others: [(name: String, reason: String)] {
        let golden = root + "/golden"
        var others: [(name: String, reason: String)] = []
        for area in list(golden) {
            for folder in list("\(golden)/\(area)") where !all.contains(where: { $0.name == "\(area)/\(folder)" }) {
                if area == "quant", QuantizedGoldenTests.names.contains(folder) { continue }
                guard let config = try? JSON(contentsOfFile: "\(golden)/\(area)/\(folder)/config.json") else {
                    continue
                }
                let type = config["model_type"]?.text() ?? "no model_type"
                let isQuantised = config["quantization_config"] != nil
                others.append(
                    (
                        "\(area)/\(folder)",
                        "\(type)\(isQuantised ? ", quantised" : ""): there is nothing to compute it with yet"
                    )
                )
            }
        }
        return others
    }

    private static func list(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    var expected: JSONField {
        get throws { JSONField(try JSON(contentsOfFile: folder + "/expected.json"), at: folder + "/expected.json") }
    }

    var prompts: [Prompt] {
        get throws {
            try expected["prompts"].array().map { prompt in
                Prompt(
                    ids: try prompt["ids"].array().map { Int32(try $0.int()) },
                    greedy: try prompt["greedy"].array().map { Int32(try $0.int()) }
                )
            }
        }
    }

    /// The README's rule: 20 times the distance that was measured between fp32 and fp64.
    var tolerance: Double {
        get throws { 20 * (try expected["fp32_vs_fp64"]["max_abs"].double()) }
    }

    var tensors: SafetensorsFile {
        get throws { try SafetensorsFile(path: folder + "/expected.safetensors") }
    }

    func report(_ what: String, worst: Double, tolerance: Double) {
        let verdict = worst <= tolerance ? "passed" : "failed"
        print("golden \(name) \(what): \(verdict) worst=\(worst) tolerance=\(tolerance)")
    }

    /// Whether the plugin can compute this checkpoint at all; if it cannot, that is printed.
    func isSupported(_ what: String) throws -> Bool {
        do {
            _ = try LoadedPlugin(host: TestHost(), role: "worker", model: folder)
            return true
        } catch let failure as LoadedPlugin.Failure where failure.status == mlp_status(MLP_UNSUPPORTED) {
            print("golden \(name) \(what): not run (\(failure.reason))")
            return false
        }
    }
}
