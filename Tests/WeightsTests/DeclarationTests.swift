import CPluginAPI
import Testing

@testable import Core

@Suite struct DeclarationTests {
    typealias Tensor = DeclaringPlugin.Tensor
    typealias Placement = DeclaringPlugin.Placement

    @Test func goodDeclarationsAreCopied() throws {
        let plugin = DeclaringPlugin(
            [
                Tensor("a", [4, 6]).with {
                    $0.scales = 1; $0.block = 3; $0.shardAxis = 0; $0.type = Int32(MLP_F8E4M3)
                },
                Tensor("b", [4, 2]).with { $0.scales = 2 },
                Tensor("c", []),
                Tensor("c", [2], flags: MLP_TENSOR_OPTIONAL).with { $0.folder = "transformer" },
                Tensor("d", [10, 0], flags: MLP_TENSOR_NO_FILE | MLP_TENSOR_MUTABLE),
                Tensor("e", [3, 2], flags: MLP_TENSOR_SOURCE).with { $0.type = Int32(MLP_F4E2M1) },
            ],
            [Placement("p", [5, 0, 5], size: 77)]
        )
        let declared = try WeightDeclarations(plugin.table, plugin: "Test")
        #expect(declared.tensors.map(\.path) == ["a", "b", "c", "transformer/c", "d", "e"])
        #expect(declared.tensors.map(\.size) == [24, 32, 4, 8, 0, 3])
        #expect(declared.tensors[0].scales == 1 && declared.tensors[0].block == 3)
        #expect(declared.tensors[0].shardAxis == 0 && declared.tensors[1].shardAxis == nil)
        #expect(declared.tensors[3].isOptional && declared.tensors[4].isAllocated && declared.tensors[4].isMutable)
        #expect(declared.placements == [.init(name: "p", sources: [5, 0, 5], size: 77)])
    }

    @Test func badTensorsAreRefused() {
        let ok = Tensor("ok", [2])
        let huge = UInt64(1) << 46
        let cases: [([Tensor], String)] = [
            ([Tensor(nil, [2])], "tensor 0 has no name"), ([ok, Tensor("", [2])], "tensor 1 has no name"),
            ([Tensor("t", nil).with { $0.rank = 2 }], "shape is NULL"),
            ([Tensor("t", [2]).with { $0.rank = 1_000_000 }], "rank 1000000"),
            ([Tensor("t", [2]).with { $0.type = 99 }], "dtype 99"),
            ([Tensor("t", [2]).with { $0.type = 0 }], "dtype 0"),
            ([Tensor("t", [.max])], "shape"), ([Tensor("t", [huge, huge])], "shape"),
            ([Tensor("t", [huge])], "\(huge)"),
            ([Tensor("t", [3]).with { $0.type = Int32(MLP_F4E2M1) }], "whole number of bytes"),
            ([ok, ok], "ok is declared twice"), ([Tensor("t", [2], flags: 1 << 9)], "flags 512"),
            ([Tensor("t", [2], flags: MLP_TENSOR_NO_FILE | MLP_TENSOR_OPTIONAL)], "NO_FILE"),
            ([Tensor("t", [2], flags: MLP_TENSOR_SOURCE | MLP_TENSOR_MUTABLE)], "SOURCE"),
            ([Tensor("t", [2]).with { $0.scales = 1 }], "scales 1"),
            ([Tensor("t", [2]).with { $0.scales = -2 }], "scales -2"),
            ([Tensor("t", [2]).with { $0.scales = 0 }], "back to itself"),
            ([Tensor("t", [2]).with { $0.scales = 1 }, Tensor("u", [2]).with { $0.scales = 0 }], "back to itself"),
            (
                [
                    Tensor("s", [2]).with { $0.scales = 1 }, Tensor("t", [2]).with { $0.scales = 2 },
                    Tensor("u", [2]).with { $0.scales = 1 },
                ], "back to itself"
            ),
            (
                [
                    ok,
                    Tensor("t", [5]).with {
                        $0.scales = 0; $0.block = 2
                    },
                ], "block 2 does not divide"
            ),
            (
                [
                    ok,
                    Tensor("t", []).with {
                        $0.scales = 0; $0.block = 2
                    },
                ], "block 2 does not divide"
            ),
            ([Tensor("t", [4]).with { $0.block = 2 }], "scales is none"),
            ([Tensor("t", [4]).with { $0.shardAxis = 1 }], "shard_axis 1"),
            ([Tensor("t", [4]).with { $0.shardAxis = -2 }], "shard_axis -2"),
            ([Tensor("t", [4]).with { $0.folder = "../other" }], "folder"),
            ([Tensor("t", [4]).with { $0.folder = "/etc" }], "folder"),
            ([Tensor("t", [4]).with { $0.folder = "" }], "folder"),
        ]
        for (tensors, words) in cases { refuses(DeclaringPlugin(tensors), words) }
    }

    @Test func badPlacementsAreRefused() {
        let tensors = [Tensor("a", [4]), Tensor("b", [4], flags: MLP_TENSOR_NO_FILE)]
        let ok = Placement("ok", [0], size: 16)
        let cases: [([Placement], String)] = [
            ([Placement(nil, [0], size: 1)], "placement 0 has no name"), ([ok, ok], "ok is declared twice"),
            ([Placement("p", [], size: 1)], "source_count is 0"),
            ([Placement("p", nil, count: 3, size: 1)], "source_count"),
            ([Placement("p", [2], size: 1)], "source 2"), ([Placement("p", [1], size: 1)], "b is in no file"),
            ([Placement("p", [0], size: 0)], "size 0"),
            ([Placement("p", [0], size: .max)], "size 18446744073709551615"),
            ([Placement("p", [0], size: 1 << 60)], "size"),
        ]
        for (placements, words) in cases { refuses(DeclaringPlugin(tensors, placements), words) }
    }

    @Test func badTablesAreRefused() {
        func broken(_ words: String, _ change: (inout mlp_weights) -> Void) {
            let plugin = DeclaringPlugin([Tensor("a", [4])], [Placement("p", [0], size: 16)])
            change(&plugin.table.pointee)
            refuses(plugin, words)
        }
        broken("tensors is NULL") { $0.tensors = nil }
        broken("placements is NULL") { $0.placements = nil }
        broken("place is NULL") { $0.place = nil }
        broken("bind is NULL") { $0.bind = nil }
        broken("at most") { $0.tensor_count = .max }
        broken("at most") { $0.placement_count = .max }
        let empty = DeclaringPlugin([])
        empty.table.pointee = mlp_weights()
        #expect(throws: Never.self) { try WeightDeclarations(empty.table, plugin: "Test") }
    }

    private func refuses(_ plugin: DeclaringPlugin, _ words: String, line: Int = #line) {
        let error = #expect(throws: WeightsError.self) { try WeightDeclarations(plugin.table, plugin: "Test") }
        #expect(error?.status == mlp_status(MLP_INVALID_ARGUMENT))
        #expect(error?.message.contains(words) == true, "\(words): \(error?.message ?? "no error")")
        #expect(error?.message.contains("Test") == true)
    }
}
