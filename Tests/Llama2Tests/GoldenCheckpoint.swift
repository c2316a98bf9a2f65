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

    /// PODIUM_GOLDEN, or the project's own copy.
    static let root =
        ProcessInfo.processInfo.environment["PODIUM_GOLDEN"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")
        .path

    /// Every `golden/*/ckpt*` that has a config.json of a Llama model and an expected.json with prompts.
    static let all: [GoldenCheckpoint] = {
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
    }()

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
}
