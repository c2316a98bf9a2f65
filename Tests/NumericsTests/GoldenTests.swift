import FoundationEssentials
import JSON
import Testing

@testable import Numerics

/// Golden data, found by listing: `golden/quant/decode_tables.json` and every safetensors file under `golden`.
@Suite struct GoldenTests {
    private static let root =
        ProcessInfo.processInfo.environment["PODIUM_GOLDEN"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")
        .path

    /// The value of every code, exactly.
    @Test func decodeTables() throws {
        let path = Self.root + "/golden/quant/decode_tables.json"
        guard FileManager.default.fileExists(atPath: path) else {
            print("golden quant/decode_tables: not run (no such file)")
            return
        }
        for (format, field) in try JSONField(JSON(contentsOfFile: path), at: path).members() {
            guard let expected = try? field.array() else { continue }
            guard let type = Self.types[format] else {
                print("golden quant/decode_tables/\(format): not run (unknown format)")
                continue
            }
            var packed = [UInt8](repeating: 0, count: expected.count * type.bitWidth / 8)
            for code in expected.indices {
                packed[code * type.bitWidth / 8] |= UInt8(code) << (code * type.bitWidth % 8)
            }
            let values = packed.withUnsafeBytes { type.decode($0, count: expected.count) }
            var wrong = 0
            for (value, field) in zip(values, expected) {
                let matches =
                    if case .null = try field.value {
                        value.isNaN
                    } else if case .string(let word) = try field.value {
                        Double(word) == Double(value)
                    } else {
                        try field.double().bitPattern == Double(value).bitPattern
                    }
                if !matches { wrong += 1 }
            }
            #expect(wrong == 0, "\(format)")
            let verdict = wrong == 0 ? "passed" : "FAILED"
            print("golden quant/decode_tables/\(format): \(verdict) worst=\(wrong) codes tolerance=0")
        }
    }

    private static let types: [String: ElementType] = [
        "e2m1": .f4e2m1, "e4m3fn": .f8e4m3, "e4m3fnuz": .f8e4m3fnuz, "e5m2": .f8e5m2, "e5m2fnuz": .f8e5m2fnuz,
        "e8m0": .e8m0,
    ]

    /// Every safetensors file opens and every tensor can be read; with an index beside it, as a checkpoint.
    @Test func safetensorsFiles() throws {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: Self.root + "/golden")) ?? []
        for name in names.sorted() where name.hasSuffix(".safetensors") {
            let file = try SafetensorsFile(path: "\(Self.root)/golden/\(name)")
            for tensor in file.tensors {
                if ProcessInfo.processInfo.environment["PODIUM_LIST_TENSORS"] != nil {
                    let shape = tensor.shape.map(String.init).joined(separator: ",")
                    let crc = tensor.withBytes(Fixture.crc32)
                    print("golden/\(name)\t\(JSON.string(tensor.name))\t\(tensor.type)\t\(shape)\t\(crc)")
                } else if tensor.type.isDecodable {
                    #expect(try tensor.floats().count == tensor.count)
                }
            }
            print("golden safetensors/\(name): passed, \(file.tensors.count) tensors read")
        }
        for name in names.sorted() where name.hasSuffix(".safetensors.index.json") {
            let folder = URL(filePath: "\(Self.root)/golden/\(name)").deletingLastPathComponent().path
            let stem = String(name.split(separator: "/").last?.dropLast(".safetensors.index.json".count) ?? "")
            let checkpoint = try Checkpoint(folder: folder, name: stem)
            print(
                "golden safetensors/\(name): passed, \(checkpoint.tensors.count) tensors in \(checkpoint.files.count) files"
            )
        }
    }
}
