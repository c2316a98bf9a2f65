import CPluginAPI
import Foundation
import Testing

@testable import Core

/// Every checkpoint of the golden data (files that Python's safetensors wrote), loaded whole: bound bytes against what
/// a plain reading of the files gives.
@Suite struct GoldenWeightsTests {
    private static let root =
        ProcessInfo.processInfo.environment["PODIUM_GOLDEN"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")
        .path

    private static let types: [String: Int] = [
        "F32": Int(MLP_F32), "BF16": Int(MLP_BF16), "F16": Int(MLP_F16), "F8_E4M3": Int(MLP_F8E4M3),
        "F8_E5M2": Int(MLP_F8E5M2), "I8": Int(MLP_I8), "U8": Int(MLP_U8), "I32": Int(MLP_I32), "I64": Int(MLP_I64),
        "F64": Int(MLP_F64), "BOOL": Int(MLP_BOOL), "I16": Int(MLP_I16),
    ]

    @Test func checkpointsAreBoundAsTheyAre() throws {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: Self.root + "/golden")) ?? []
        let folders = Set(
            names.filter { $0.hasSuffix("/config.json") }.map { String($0.dropLast("/config.json".count)) }
        )
        for folder in folders.sorted() {
            let path = Self.root + "/golden/" + folder
            let shards = try FileManager.default.contentsOfDirectory(atPath: path)
                .filter {
                    ($0.hasPrefix("model") || $0.hasPrefix("diffusion_pytorch_model")) && $0.hasSuffix(".safetensors")
                }
            guard !shards.isEmpty else {
                print("golden weights/\(folder): not run (no checkpoint)")
                continue
            }
            var tensors: [DeclaringPlugin.Tensor] = []
            var wanted: [Data] = []
            var unknown: String?
            for shard in shards.sorted() {
                let bytes = try Data(contentsOf: URL(filePath: path + "/" + shard))
                let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
                let header = try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: [String: Any]]
                for (name, entry) in try #require(header) where name != "__metadata__" {
                    let type = try #require(entry["dtype"] as? String)
                    let shape = try #require(entry["shape"] as? [Int])
                    let offsets = try #require(entry["data_offsets"] as? [Int])
                    guard let code = Self.types[type] else {
                        unknown = type
                        continue
                    }
                    tensors.append(
                        DeclaringPlugin.Tensor(name, shape.map(UInt64.init)).with { $0.type = Int32(code) }
                    )
                    wanted.append(bytes[8 + length + offsets[0]..<8 + length + offsets[1]])
                }
            }
            if let unknown {
                print("golden weights/\(folder): not run (the contract has no type \(unknown))")
                continue
            }
            let plugin = DeclaringPlugin(tensors)
            let group = try DeviceGroup.cpu(threads: 1, plugin: "Test")
            let files = try WeightFiles(WeightDeclarations(plugin.table, plugin: "Test"), modelFolder: path)
            let loaded = try LoadedWeights(files, group: group, plugin: plugin.plugin, table: plugin.table)
            var wrong = 0
            for (index, data) in wanted.enumerated() where plugin.bytes(index) ?? [] != Array(data) { wrong += 1 }
            #expect(wrong == 0, "\(folder)")
            #expect(loaded.report.mapped + loaded.report.copied == UInt64(wanted.reduce(0) { $0 + $1.count }))
            print(
                "golden weights/\(folder): \(wrong == 0 ? "passed" : "FAILED") worst=\(wrong) tensors tolerance=0 "
                    + "(\(tensors.count) tensors, \(loaded.report.mapped) bytes mapped, \(loaded.report.copied) copied)"
            )
        }
    }
}
