import FuzzDriver
import Testing

@testable import Numerics

@Suite struct SafetensorsFuzzTests {
    /// Whatever is accepted must also be readable to the last byte.
    @Test func mutatedFiles() throws {
        let small = Fixture.safetensors(
            header: #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
                + #""b":{"dtype":"F4","shape":[2,4],"data_offsets":[8,12]}}"#,
            data: [UInt8](0..<12)
        )
        let seeds = try [
            small, Fixture.bytes("types.safetensors"), Fixture.bytes("sharded/model-00001-of-00002.safetensors"),
        ]
        let tokens =
            Fuzzer.jsonTokens + ElementType.allCases.map { "\"\($0.rawValue)\"" } + [
                "\"dtype\"", "\"shape\"", "\"data_offsets\"",
            ]
        var sum = 0
        let report = Fuzzer(name: "safetensors", seeds: seeds, tokens: tokens).run { bytes in
            guard let file = try? SafetensorsFile(copying: bytes, name: "f") else { return false }
            for tensor in file.tensors {
                sum &+= tensor.withBytes { $0.reduce(0) { $0 &+ Int($1) } }
                if let floats = try? tensor.floats() { sum &+= floats.count }
            }
            return true
        }
        print(report, "checksum", sum)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }
}
