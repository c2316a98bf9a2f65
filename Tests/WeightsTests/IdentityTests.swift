import CPluginAPI
import Testing

@testable import Core

@Suite struct IdentityTests {
    /// Hashes from the reference implementation (python-xxhash).
    @Test func hashesEqualTheReference() {
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31 + 7) } }
        let cases: [([UInt8], UInt64, UInt64)] = [
            ([], 0, 0xEF46_DB37_51D8_E999), (Array("a".utf8), 0, 0xD24E_C4F1_A98C_6E5B),
            (Array("abc".utf8), 7, 0x9E75_5206_1566_76D7), (bytes(1000), 0, 0x9959_4F48_2804_3D35),
            (bytes(1003), 12_345_678_901_234_567_890, 0x5127_B732_90C6_9864), (Array(0..<32), 1, 0xD74E_6766_CE9D_BA94),
            (Array(0..<31), 1, 0xF031_031D_6597_7DFC),
        ]
        for (input, seed, expected) in cases {
            #expect(input.withUnsafeBytes { XXHash64.hash($0, seed: seed) } == expected)
        }
    }

    @Test func theContentHashSeesEveryByteAndTheFingerprintDoesNot() throws {
        let size = 9 << 18  // Three pieces, the last one shorter.
        var data = pattern(size, 1)
        let small = pattern(12, 2)
        let pool = ThreadPool(threads: 2)
        func identity(_ files: [(String, [(String, String, [Int], [UInt8])])]) throws -> (UInt64, UInt64) {
            let folder = try ModelFolder()
            for (name, tensors) in files { try folder.write(name, tensors) }
            let plugin = DeclaringPlugin([
                DeclaringPlugin.Tensor("big", [UInt64(size)]).with { $0.type = Int32(MLP_U8) },
                DeclaringPlugin.Tensor("small", [3]),
            ])
            let found = try WeightFiles(WeightDeclarations(plugin.table, plugin: "Test"), modelFolder: folder.path)
            return (found.contentHash(on: pool), found.sampledFingerprint())
        }
        let whole = try identity([("model.safetensors", [("big", "U8", [size], data), ("small", "F32", [3], small)])])
        let split = try identity([
            ("x.safetensors", [("small", "F32", [3], small)]), ("y.safetensors", [("big", "U8", [size], data)]),
        ])
        #expect(whole == split)
        data[size - 100_000] ^= 1
        let changed = try identity([("model.safetensors", [("big", "U8", [size], data), ("small", "F32", [3], small)])])
        #expect(changed.0 != whole.0 && changed.1 == whole.1)
        data[size - 1] ^= 1
        let end = try identity([("model.safetensors", [("big", "U8", [size], data), ("small", "F32", [3], small)])])
        #expect(end.0 != changed.0 && end.1 != changed.1)
    }
}
