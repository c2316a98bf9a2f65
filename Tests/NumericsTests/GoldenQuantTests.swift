import FoundationEssentials
import Testing

@testable import Numerics

/// `golden/quant`: what ml_dtypes and Quark make of the same numbers, bit for bit, in every variant of the code.
@Suite(.serialized) struct GoldenQuantTests {
    private static let root =
        ProcessInfo.processInfo.environment["PODIUM_GOLDEN"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")
        .path

    private static let types: [String: ElementType] = [
        "e2m1": .f4e2m1, "e4m3fn": .f8e4m3, "e4m3fnuz": .f8e4m3fnuz, "e5m2": .f8e5m2, "e5m2fnuz": .f8e5m2fnuz,
    ]

    @Test func scalarEncode() throws {
        guard let file = try open("scalar_encode") else { return }
        for codes in file.tensors where codes.name.contains("code_") {
            let parts = codes.name.split(separator: ".")
            let kind = parts[1].hasPrefix("bf16_") ? parts[1].dropFirst(5) : parts[1]
            let input = "\(parts[0]).\(parts[1].hasPrefix("bf16_") ? "bf16_x" : "x")"
            guard let type = Self.types[String(parts[0])], let x = file[input],
                ["code_saturating", "code_ml_dtypes"].contains(kind)
            else {
                print("golden quant/scalar_encode/\(codes.name): not run (unknown format)")
                continue
            }
            let values = try x.floats()
            let expected = codes.withBytes(Array.init)
            var wrong = 0
            NarrowFormatTests.withEachVariant { variant in
                let found = NarrowFormatTests.codes(
                    type,
                    values,
                    kind == "code_saturating" ? .saturates : .isKept
                )
                for index in values.indices where found[index] != expected[index] {
                    // ml_dtypes gives NaN its sign in the OCP format, as the code under test does; any NaN will do.
                    wrong += 1
                    Issue.record(
                        "\(variant) \(codes.name): \(values[index]) is \(expected[index]), not \(found[index])"
                    )
                }
            }
            report("scalar_encode/\(codes.name)", wrong, values.count)
        }
    }

    @Test func mxfp4Blocks() throws {
        guard let file = try open("mxfp4_blocks") else { return }
        for source in ["f32", "bf16"] {
            let x = try file.tensor(named: "\(source).x").floats()
            for (name, rule) in [("even", MXFP4.ScaleRule.even), ("floor", .floor)] {
                func bytes(_ kind: String) throws -> [UInt8] {
                    try file.tensor(named: "\(source).\(name).\(kind)").withBytes(Array.init)
                }
                let expectedScales = try bytes("scale")
                let expectedPacked = try bytes("packed")
                let expectedValues = try file.tensor(named: "\(source).\(name).dequant").floats()
                var wrong = 0
                NarrowFormatTests.withEachVariant { variant in
                    var packed = [UInt8](repeating: 0, count: x.count / 2)
                    var scales = [UInt8](repeating: 0, count: x.count / 32)
                    var values = [Float](repeating: 0, count: x.count)
                    x.withUnsafeBufferPointer { from in
                        packed.withUnsafeMutableBytes { packed in
                            scales.withUnsafeMutableBytes { scales in
                                MXFP4.encode(from, packed: packed, scales: scales, rule: rule)
                                values.withUnsafeMutableBufferPointer {
                                    MXFP4.decode(
                                        packed: UnsafeRawBufferPointer(packed),
                                        scales: UnsafeRawBufferPointer(scales),
                                        into: $0
                                    )
                                }
                            }
                        }
                    }
                    wrong += zip(scales, expectedScales).count(where: !=)
                    wrong += zip(packed, expectedPacked).count(where: !=)
                    wrong += zip(values, expectedValues).count { $0.bitPattern != $1.bitPattern }
                    #expect(wrong == 0, "\(variant) \(source) \(name)")
                }
                if name == "even" {
                    // Quark's own bytes decode to the same values.
                    let packed = try bytes("packed_quark")
                    let scales = expectedScales
                    var values = [Float](repeating: 0, count: x.count)
                    packed.withUnsafeBytes { packed in
                        scales.withUnsafeBytes { scales in
                            values.withUnsafeMutableBufferPointer {
                                MXFP4.decode(packed: packed, scales: scales, into: $0)
                            }
                        }
                    }
                    #expect(values == expectedValues)
                }
                report("mxfp4_blocks/\(source).\(name)", wrong, x.count)
            }
        }
    }

    private func open(_ name: String) throws -> SafetensorsFile? {
        let path = "\(Self.root)/golden/quant/\(name).safetensors"
        guard FileManager.default.fileExists(atPath: path) else {
            print("golden quant/\(name): not run (no such file)")
            return nil
        }
        return try SafetensorsFile(path: path)
    }

    private func report(_ name: String, _ wrong: Int, _ count: Int) {
        print("golden quant/\(name): \(wrong == 0 ? "passed" : "FAILED") worst=\(wrong) of \(count) tolerance=0")
    }
}
