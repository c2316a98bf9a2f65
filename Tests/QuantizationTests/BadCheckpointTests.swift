import JSON
import Numerics
import Testing

@testable import Quantization

/// Checkpoints with one fault each: the error names the tensor and the file.
@Suite struct BadCheckpointTests {
    typealias Tensor = (name: String, type: ElementType, shape: [Int], bytes: [UInt8])

    /// A layer of 4 outputs and 64 inputs in MXFP4 and one in FP8, in two files.
    static func tensors() -> [Tensor] {
        [
            ("a.weight", .u8, [4, 32], [UInt8](repeating: 0x12, count: 128)),
            ("a.weight_scale", .u8, [4, 2], [UInt8](repeating: 127, count: 8)),
            ("b.weight", .f8e4m3, [4, 64], [UInt8](repeating: 0x38, count: 256)),
            ("b.weight_scale", .bf16, [], [0x80, 0x3F]),
            ("b.input_scale", .bf16, [], [0x80, 0x3F]),
        ]
    }

    static let config = #"""
        {"quantization_config": {"quant_method": "quark", "exclude": ["head"],
        "global_quant_config": {"weight": {"dtype": "fp4", "qscheme": "per_group", "group_size": 32, "scale_format": "e8m0"}},
        "layer_quant_config": {"b*": {"weight": {"dtype": "fp8_e4m3", "qscheme": "per_tensor"},
        "input_tensors": {"dtype": "fp8_e4m3", "qscheme": "per_tensor", "is_dynamic": false}}}}}
        """#

    static func load(_ tensors: [Tensor], config: String = config) throws -> String {
        try Folder.withTemporary { folder in
            try Folder.write(config, to: folder + "/config.json")
            try Folder.write(tensors, to: folder + "/model.safetensors")
            do throws(QuantizationError) {
                try QuantizedCheckpoint(folder: folder).validate()
                return "no error"
            } catch {
                return error.description
            }
        }
    }

    static func changed(_ name: String, _ change: (inout Tensor) -> Void) -> [Tensor] {
        tensors().map { tensor in
            var tensor = tensor
            if tensor.name == name { change(&tensor) }
            return tensor
        }
    }

    @Test func soundCheckpoint() throws {
        #expect(try Self.load(Self.tensors()) == "no error")
    }

    @Test func faultsOfTensors() throws {
        let cases: [([Tensor], String)] = [
            (
                Self.tensors().filter { $0.name != "a.weight_scale" },
                "tensor a.weight_scale: is missing; the scheme w_mxfp4"
            ),
            (Self.tensors().filter { $0.name != "b.input_scale" }, "tensor b.input_scale: is missing"),
            (
                Self.changed("a.weight_scale") { $0.shape = [2, 4] },
                "tensor a.weight_scale: has shape [2, 4], the scheme w_mxfp4 needs [4, 2]"
            ),
            (
                Self.changed("b.weight_scale") { ($0.shape, $0.bytes) = ([2], [0x80, 0x3F, 0x80, 0x3F]) },
                "tensor b.weight_scale: has shape [2], the scheme"
            ),
            (
                Self.changed("b.input_scale") { ($0.shape, $0.bytes) = ([2], [0x80, 0x3F, 0x80, 0x3F]) },
                "tensor b.input_scale: has shape [2], one scale is needed"
            ),
            (
                Self.changed("a.weight") { ($0.shape, $0.bytes) = ([4, 24], [UInt8](repeating: 0, count: 96)) },
                "tensor a.weight: has 48 columns, which blocks of 32 do not divide"
            ),
            (Self.changed("a.weight_scale") { $0.bytes[5] = 0xFF }, "tensor a.weight_scale: scale 5 is NaN"),
            (
                Self.changed("b.weight_scale") { $0.bytes = [0, 0] },
                "tensor b.weight_scale: scale 0 is 0.0, but a scale"
            ),
            (Self.changed("b.weight_scale") { $0.bytes = [0xC0, 0x7F] }, "tensor b.weight_scale: scale 0 is nan"),
            (Self.changed("b.input_scale") { $0.bytes = [0x80, 0xBF] }, "tensor b.input_scale: scale 0 is -1.0"),
            (Self.changed("b.input_scale") { $0.bytes = [0x80, 0x7F] }, "tensor b.input_scale: scale 0 is inf"),
            (Self.changed("b.input_scale") { $0.type = .i16 }, "tensor b.input_scale: is I16, but scales are"),
            (Self.changed("b.weight") { $0.type = .u8 }, "tensor b.weight: is U8, but the scheme"),
            (Self.changed("a.weight") { $0.type = .f8e4m3 }, "tensor a.weight: is F8_E4M3, but the scheme w_mxfp4"),
            (
                Self.tensors() + [("head.weight", .f8e4m3, [1, 2], [1, 2])],
                "tensor head.weight: is F8_E4M3, but config.json says that the layer is not quantised"
            ),
            (
                Self.tensors() + [
                    ("head.weight", .bf16, [1, 1], [1, 2]), ("head.weight_scale", .bf16, [], [0x80, 0x3F]),
                ],
                "tensor head.weight_scale: config.json says that head is not quantised"
            ),
            (
                Self.tensors() + [("norm.input_scale", .bf16, [], [0x80, 0x3F])],
                "tensor norm.input_scale: there is no quantised weight"
            ),
        ]
        for (tensors, expected) in cases {
            let found = try Self.load(tensors)
            #expect(found.contains("/model.safetensors: ") || expected.contains("input_scale: is missing"), "\(found)")
            #expect(found.contains(expected), "expected \(expected), found \(found)")
        }
    }

    @Test func faultsOfSchemes() throws {
        func config(_ from: String, _ to: String) -> String { Self.config.replacing(from, with: to) }
        let cases = [
            (config("\"quark\"", "\"awq\""), "quant_method: \"awq\" is unknown; known are quark, fp8 and mxfp4"),
            (config("\"fp4\"", "\"int4\""), "global_quant_config.weight.dtype: scheme \"int4\" is unknown"),
            (config("per_tensor", "per_row"), "qscheme: scheme \"per_row\" is unknown"),
            (config("32", "16"), "fp4 is supported as MXFP4 alone"),
            (config("\"e8m0\"", "null"), "fp4 is supported as MXFP4 alone"),
            (config("32", "0"), "group_size: expected"),
            (config("\"is_dynamic\": false", "\"symmetric\": false"), "zero point"),
            (config("[\"head\"]", "[\"re:(\"]"), "exclude[0]: \"re:(\" is no regular expression"),
            (config("{\"dtype\": \"fp4\"", "[{\"dtype\": \"fp4\"").replacing("e8m0\"}", with: "e8m0\"}]"), "expected"),
        ]
        for (config, expected) in cases {
            let found = try Self.load(Self.tensors(), config: config)
            #expect(found.contains("config.json: quantization_config.") && found.contains(expected), "\(found)")
        }
    }

    /// An extent of 0 lets a file of no bytes claim any other extent.
    @Test func extentsOfZero() throws {
        for shape in [[0, 1 << 62], [.max, 0], [0, 0]] {
            for name in ["a.weight", "b.weight"] {
                let found = try Self.load(Self.changed(name) { ($0.shape, $0.bytes) = (shape, []) })
                #expect(
                    found.contains("tensor \(name): has shape \(shape), but a linear layer's weight has no"),
                    "\(found)"
                )
            }
        }
        let blocks = TensorScheme(element: .f8e4m3, granularity: .perBlock(rows: 128, columns: 128))
        #expect(blocks.scaleShape(rows: .max, columns: 129) == [1 << 56, 2])
    }

    /// Headers are checked against the size of each file when the folder is opened, before anything is computed.
    @Test func truncatedShard() throws {
        try Folder.withTemporary { folder in
            try Folder.write(Self.config, to: folder + "/config.json")
            try Folder.write(Array(Self.tensors()[..<2]), to: folder + "/model-00001-of-00002.safetensors")
            let last = folder + "/model-00002-of-00002.safetensors"
            try Folder.write(Array(Self.tensors()[2...]), to: last)
            try QuantizedCheckpoint(folder: folder).validate()
            try Folder.write(Array(try Folder.bytes(last).dropLast(3)), to: last)
            let error = #expect(throws: QuantizationError.self) { try QuantizedCheckpoint(folder: folder) }
            #expect(error?.file == last && error?.reason.contains("cut short") == true)
        }
    }

    @Test func shapesThatTheModelNeeds() throws {
        try Folder.withTemporary { folder in
            try Folder.write(Self.config, to: folder + "/config.json")
            try Folder.write(Self.tensors(), to: folder + "/model.safetensors")
            let checkpoint = try QuantizedCheckpoint(folder: folder)
            #expect(try checkpoint.linear("a", outputs: 4, inputs: 64).dequantized()[..<2] == [1, 0.5])
            let rows = #expect(throws: QuantizationError.self) { try checkpoint.linear("a", outputs: 5) }
            #expect(rows?.reason == "has 4 rows, the model needs 5")
            let columns = #expect(throws: QuantizationError.self) { try checkpoint.linear("a", inputs: 32) }
            #expect(columns?.reason == "has 64 columns, the model needs 32")
            let none = #expect(throws: QuantizationError.self) { try checkpoint.linear("c") }
            #expect(none?.tensor == "c.weight")
        }
    }

    @Test func badExperts() throws {
        let cases: [([Tensor], String)] = [
            (
                [("e_blocks", .u8, [0, 1, 1 << 60, 16], []), ("e_scales", .u8, [0, 1, 1 << 60], [])],
                "tensor e_blocks: has shape [0, 1, \(1 << 60), 16]"
            ),
            ([("e_blocks", .u8, [1, 1, 1, 16], [UInt8](repeating: 0, count: 16))], "tensor e_scales: is missing"),
            (
                [
                    ("e_blocks", .u8, [1, 2, 1, 8], [UInt8](repeating: 0, count: 16)),
                    ("e_scales", .u8, [1, 2, 1], [1, 1]),
                ], "tensor e_blocks: has shape [1, 2, 1, 8]"
            ),
            (
                [
                    ("e_blocks", .u8, [1, 1, 1, 16], [UInt8](repeating: 0, count: 16)), ("e_scales", .u8, [1, 1], [1]),
                ], "tensor e_scales: has shape [1, 1], the blocks need [1, 1, 1]"
            ),
            (
                [
                    ("e_blocks", .u8, [1, 1, 1, 16], [UInt8](repeating: 0, count: 16)),
                    ("e_scales", .u8, [1, 1, 1], [0xFF]),
                ], "tensor e_scales: scale 0 is NaN"
            ),
        ]
        for (tensors, expected) in cases {
            try Folder.withTemporary { folder in
                try Folder.write(tensors, to: folder + "/model.safetensors")
                let checkpoint = try Checkpoint(folder: folder)
                let error = #expect(throws: QuantizationError.self) { try BlockScaledExperts(checkpoint, name: "e") }
                #expect(error?.description.contains(expected) == true)
            }
        }
    }
}
