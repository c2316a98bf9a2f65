import FoundationEssentials
import Testing

@testable import Numerics

@Suite struct CheckpointTests {
    private let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    private let index = "model.safetensors.index.json"

    private func copyShards(to folder: String) throws {
        for name in shards + [index] {
            try Fixture.write(Fixture.bytes("sharded/\(name)"), to: "\(folder)/\(name)")
        }
    }

    private func message(_ folder: String) -> String? {
        #expect(throws: SafetensorsError.self) { try Checkpoint(folder: folder) }?
            .description.replacing(folder, with: "DIR")
    }

    @Test func shardsWithIndex() throws {
        let checkpoint = try Checkpoint(folder: Fixture.path("sharded"))
        #expect(checkpoint.files.count == 2)
        #expect(checkpoint.tensors.map(\.name).sorted() == ["embed.weight", "head.weight", "layers.0.weight"])
        #expect(try checkpoint.tensor(named: "head.weight").shape == [6, 4])
        let error = #expect(throws: SafetensorsError.self) { try checkpoint.tensor(named: "x") }
        #expect(error?.description.hasSuffix("sharded: tensor x: is missing; the files have 3 others") == true)
    }

    @Test func shardsWithoutIndexAreListed() throws {
        try Fixture.withTemporaryFolder { folder in
            try copyShards(to: folder)
            try FileManager.default.removeItem(atPath: "\(folder)/\(index)")
            let checkpoint = try Checkpoint(folder: folder + "/")
            #expect(checkpoint.tensors.count == 3)
            try Fixture.write(Fixture.bytes("sharded/\(shards[0])"), to: "\(folder)/more.safetensors")
            #expect(
                message(folder)
                    == "DIR/more.safetensors: tensor layers.0.weight: another file has it, too (shape [4, 4]); add an index that says which counts"
            )
        }
    }

    @Test func singleFileOfAnotherName() throws {
        try Fixture.withTemporaryFolder { folder in
            try Fixture.write(Fixture.bytes("types.safetensors"), to: "\(folder)/diffusion_pytorch_model.safetensors")
            try Fixture.write([1, 2, 3], to: "\(folder)/other.safetensors")
            #expect(try Checkpoint(folder: folder, name: "diffusion_pytorch_model")["scalar"] != nil)
        }
    }

    @Test func faultsOfFoldersAndIndexes() throws {
        #expect(message("/nonexistent") == "DIR: is not a folder that can be read")
        try Fixture.withTemporaryFolder { folder in
            #expect(
                message(folder)
                    == "DIR: holds neither model.safetensors, nor model.safetensors.index.json, nor other *.safetensors"
            )
            try copyShards(to: folder)
            try FileManager.default.removeItem(atPath: "\(folder)/\(shards[1])")
            #expect(message(folder) == "DIR/\(shards[1]): is missing; DIR/\(index) names it")
            try Fixture.write(Fixture.bytes("sharded/\(shards[0])"), to: "\(folder)/\(shards[1])")
            #expect(
                message(folder)
                    == "DIR/\(shards[1]): tensor head.weight: is missing, but the index says that it is here"
            )
            for (text, expected) in [
                (
                    #"{"weight_map": {"a": "../x.safetensors"}}"#,
                    #"weight_map.a: expected the name of a file in the same folder, found "../x.safetensors""#
                ),
                (#"{"weight_map": {"a": 1}}"#, "weight_map.a: expected a string, found 1"),
                (#"{"weight_map": {}}"#, "weight_map: names no tensors"),
                (#"{"weight_map": []}"#, "weight_map: expected an object, found an array of 0"),
                (#"{}"#, "weight_map: missing"),
                (#"{"#, "the text ends before the value is complete"),
            ] {
                try Fixture.write(Array(text.utf8), to: "\(folder)/\(index)")
                #expect(message(folder) == "DIR/\(index): \(expected)")
            }
        }
    }
}
