import JSON
import Numerics
import Testing

@testable import Core

/// Logits that transformers and Quark computed, against those of the GPU's kernels on all devices of ShimDriver.
@Suite struct ShimGoldenTests {
    private static let golden = HostProcess.root + "/Tests/Golden/golden"

    /// A comparison with a tensor of expected.safetensors.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var expected: String
        var options: [String]
        /// Of the root of the mean square of the differences, relative to that of the logits.
        var relative: Double
        /// The same on gfx950 where it computes something else.
        var relativeOnGFX950: Double?

        func tolerance(on device: ShimDevice) -> Double {
            device == .gfx950 ? relativeOnGFX950 ?? relative : relative
        }

        var testDescription: String { "\(name) \(expected) \(options.joined(separator: " "))" }
    }

    /// With the tolerances of the CPU's tests.
    ///
    /// Seen on gfx942, gfx950 and with warps of 32: 6e-7 for Llama (8.5e-6 at most), 5e-7 for FP8 weights (2.6e-6), 0.0116
    /// for MXFP4 with int8 blocks, as on the CPU. The emulations differ by where Quark rounds keys, as on the CPU: 0.048,
    /// with MXFP4 0.138, and 2.2e-7 where it rounds at the same place. gfx950 has no int8 blocks: `fast` rounds inputs to
    /// MXFP4 there, which makes 0.219 of the 0.228 that Quark's emulation differs by.
    static let cases: [Case] =
        ["llama2/ckpt_bfloat16", "llama2/ckpt_float32", "llama31/ckpt_bfloat16"].map {
            Case(name: $0, expected: "logits_2", options: [], relative: 4e-6)
        }
        + [("fp8_kvfp8_ckpt", 1e-5, 1e-5), ("mxfp4_kvfp8_ckpt", 0.02, 0.228)].map {
            Case(
                name: "quant/" + $0.0,
                expected: "logits_weights_only",
                options: ["activations=fast", "kv_cache=f32"],
                relative: $0.1,
                relativeOnGFX950: $0.2
            )
        }
        + [
            ("fp8_kvfp8_ckpt", "auto", 0.06), ("fp8_kvfp8_vllm_ckpt", "auto", 0.06), ("mxfp4_kvfp8_ckpt", "auto", 0.17),
            ("w_fp8_a_fp8_o_fp8_ckpt", "f32", 1e-5),
        ].map {
            Case(
                name: "quant/" + $0.0,
                expected: "logits_full_emulation",
                options: ["activations=exact", "kv_cache=" + $0.1],
                relative: $0.2
            )
        }

    @Test(arguments: cases, ShimDevice.allCases)
    func logits(_ given: Case, _ device: ShimDevice) throws {
        let folder = "\(Self.golden)/\(given.name)"
        let file = try SafetensorsFile(path: folder + "/expected.safetensors")
        let tensor = try file.tensor(named: given.expected)
        let expected = try tensor.floats()
        let found = try ShimLogits.afterPrefixes(
            folder,
            try Self.ids(folder, file),
            vocabulary: try #require(tensor.shape.last),
            device,
            options: given.options
        )
        #expect(found.count == expected.count)
        let differences = zip(found, expected).map { Double($0) - Double($1) }
        let worst = differences.reduce(0) { max($0, $1.isNaN ? .infinity : abs($1)) }
        let size = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        let relative = (differences.reduce(0) { $0 + $1 * $1 } / size).squareRoot()
        let tolerance = given.tolerance(on: device)
        let passed = relative <= tolerance
        #expect(passed, "worst \(worst), rms \(relative)")
        print(
            "golden \(given.testDescription) on \(device): \(passed ? "passed" : "FAILED") rms=\(relative) "
                + "tolerance=\(tolerance) worst=\(worst)"
        )
    }

    /// The tokens that the expected logits follow.
    private static func ids(_ folder: String, _ file: SafetensorsFile) throws -> [Int32] {
        if let tensor = file["input_ids"] {
            return tensor.withBytes { raw in
                (0..<raw.count / 8).map { Int32(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
            }
        }
        let path = folder + "/expected.json"
        let prompts = try JSONField(try JSON(contentsOfFile: path), at: path)["prompts"].array()
        return try prompts[2]["ids"].array().map { Int32(try $0.int()) }
    }
}
