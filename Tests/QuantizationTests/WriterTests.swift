import FoundationEssentials
import JSON
import Numerics
import Testing

@testable import Quantization

@Suite struct WriterTests {
    static let layers = [
        "model.layers.0.self_attn.k_proj", "model.layers.0.self_attn.v_proj", "model.layers.0.mlp.up_proj",
    ]

    struct Interruption: Error {}

    /// A checkpoint in bfloat16 with three linear layers, a head, an embedding and a norm.
    static func source(_ folder: String) throws -> Checkpoint {
        var seed: UInt32 = 1
        func random(_ count: Int) -> [UInt8] {
            ElementType.bf16.encode(
                (0..<count).map { _ in
                    seed = seed &* 1_664_525 &+ 1_013_904_223
                    return Float(seed >> 8) / Float(1 << 24) - 0.5
                }
            )
        }
        var tensors: [BadCheckpointTests.Tensor] = [
            ("model.embed_tokens.weight", .bf16, [10, 64], random(640)),
            ("lm_head.weight", .bf16, [10, 64], random(640)),
            ("model.norm.weight", .bf16, [64], random(64)),
        ]
        for layer in layers { tensors.append((layer + ".weight", .bf16, [32, 64], random(2048))) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Folder.write(tensors, to: folder + "/model.safetensors")
        return try Checkpoint(folder: folder)
    }

    static func writer(
        _ folder: String,
        _ source: Checkpoint,
        _ recipe: QuantizationRecipe,
        settings: String = ""
    ) throws(QuantizationError) -> QuarkCheckpointWriter {
        try QuarkCheckpointWriter(
            folder: folder,
            source: source,
            config: ["model_type": "llama", "quantization_config": 1],
            linears: layers + ["lm_head"],
            recipe: recipe,
            fileSize: 3000,
            settings: settings
        )
    }

    /// Writes what is not there yet, at most `limit` layers.
    static func run(_ writer: QuarkCheckpointWriter, _ recipe: QuantizationRecipe, limit: Int = .max) throws -> Int {
        var made = 0
        for step in writer.steps where !writer.isDone(step) {
            try writer.write(step) { layer, weight in
                guard made < limit else { throw Interruption() }
                made += 1
                let scheme = try #require(recipe.scheme(ofLayer: layer)?.weight)
                return try weight.floats().withUnsafeBufferPointer { values throws(QuantizationError) in
                    try scheme.quantize(
                        values,
                        rows: weight.shape[0],
                        columns: weight.shape[1],
                        scaleType: recipe.scaleType,
                        name: layer
                    )
                }
            } scales: { layer in
                .init(input: 0.25, output: 0.5)
            }
        }
        return made
    }

    static let recipes: [QuantizationRecipe] = [
        QuantizationRecipe(linear: .mxfp4, kvCache: .f8e4m3), QuantizationRecipe(linear: .fp8, kvCache: .f8e4m3),
        QuantizationRecipe(linear: .fp8WithOutputs, scaleType: .f32),
        QuantizationRecipe(
            linear: QuantizationScheme(
                weight: TensorScheme(element: .f8e4m3, granularity: .perBlock(rows: 16, columns: 48))
            )
        ),
        QuantizationRecipe(
            linear: QuantizationScheme(weight: TensorScheme(element: .f8e4m3, granularity: .perChannel)),
            exclude: ["lm_head", "*v_proj"]
        ),
    ]

    /// What is written reads back as what was quantised, and the rest as it was.
    @Test(arguments: recipes.indices)
    func roundTrip(_ index: Int) throws {
        let recipe = Self.recipes[index]
        try Folder.withTemporary { folder in
            let source = try Self.source(folder + "/source")
            let writer = try Self.writer(folder + "/out", source, recipe)
            #expect(writer.steps.count > 2)
            #expect(throws: QuantizationError.self) { try writer.finish() }
            _ = try Self.run(writer, recipe)
            try writer.finish()
            #expect(try Self.writer(folder + "/out", source, recipe).isFinished)
            let result = try QuantizedCheckpoint(folder: folder + "/out")
            try result.validate()
            let excluded = recipe.exclude.count - 1
            #expect(result.quantizedLayers.count == Self.layers.count - excluded)
            #expect(result.configuration?.kvCache == recipe.kvCache)
            for name in Self.layers {
                let layer = try result.linear(name, outputs: 32, inputs: 64)
                let weights = try source.tensor(named: name + ".weight").floats()
                let scheme = recipe.scheme(ofLayer: name)
                #expect(layer.scheme == scheme ?? QuantizationScheme(weight: nil))
                guard let weight = scheme?.weight else {
                    #expect(layer.dequantized() == weights)
                    continue
                }
                let expected = try weights.withUnsafeBufferPointer { values throws(QuantizationError) in
                    try weight.quantize(values, rows: 32, columns: 64, scaleType: recipe.scaleType)
                }
                #expect(layer.dequantized() == expected.dequantized())
                #expect(layer.outputScale == (scheme?.output == nil ? nil : 0.5))
            }
            for name in ["model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"] {
                let before = try source.tensor(named: name).withBytes { Array($0) }
                #expect(try result.checkpoint.tensor(named: name).withBytes { Array($0) } == before)
            }
        }
    }

    /// However often it is interrupted, the bytes are the same, and nothing is made twice.
    @Test func resuming() throws {
        let recipe = Self.recipes[0]
        try Folder.withTemporary { folder in
            let source = try Self.source(folder + "/source")
            let whole = try Self.writer(folder + "/whole", source, recipe)
            let layers = try Self.run(whole, recipe)
            try whole.finish()

            let parts = folder + "/parts"
            var interruptions = 0
            for limit in 0..<layers {
                let writer = try Self.writer(parts, source, recipe)
                do {
                    _ = try Self.run(writer, recipe, limit: limit)
                } catch is Interruption {
                    interruptions += 1
                }
                #expect(!FileManager.default.fileExists(atPath: parts + "/config.json"))
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: parts).allSatisfy { !$0.hasSuffix(".partial") }
                )
            }
            #expect(interruptions >= 2)
            _ = try Self.run(Self.writer(parts, source, recipe), recipe)
            let last = try Self.writer(parts, source, recipe)
            #expect(try Self.run(last, recipe) == 0)
            try last.finish()
            let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/whole").sorted()
            #expect(try FileManager.default.contentsOfDirectory(atPath: parts).sorted() == files && files.count > 4)
            for file in files {
                #expect(try Folder.bytes("\(parts)/\(file)") == Folder.bytes("\(folder)/whole/\(file)"), "\(file)")
            }
        }
    }

    @Test func foldersThatAreRefused() throws {
        try Folder.withTemporary { folder in
            let source = try Self.source(folder + "/source")
            let out = folder + "/out"
            let writer = try Self.writer(out, source, Self.recipes[0], settings: "gptq")
            func refusal(_ recipe: QuantizationRecipe, _ settings: String) -> String {
                do throws(QuantizationError) {
                    _ = try Self.writer(out, source, recipe, settings: settings)
                    return "none"
                } catch {
                    return error.description
                }
            }
            #expect(refusal(Self.recipes[0], "gptq") == "none")
            #expect(refusal(Self.recipes[0], "rtn").contains("begun from another source or with other settings"))
            #expect(refusal(Self.recipes[1], "gptq").contains("begun from another source or with other settings"))
            _ = try Self.run(writer, Self.recipes[0])
            try writer.finish()
            #expect(try Self.writer(out, source, Self.recipes[0], settings: "gptq").isFinished)
            #expect(refusal(Self.recipes[0], "rtn").contains("begun from another source or with other settings"))
            try FileManager.default.removeItem(atPath: out + "/quantize.json")
            #expect(refusal(Self.recipes[0], "gptq").contains("holds a finished model"))
            try FileManager.default.removeItem(atPath: out + "/config.json")
            #expect(refusal(Self.recipes[0], "gptq").contains("no quantize.json says how it was made"))
        }
    }

    /// A file that is cut short or has other tensors does not count as done.
    @Test func brokenFilesAreMadeAgain() throws {
        let recipe = Self.recipes[0]
        try Folder.withTemporary { folder in
            let source = try Self.source(folder + "/source")
            let writer = try Self.writer(folder + "/out", source, recipe)
            _ = try Self.run(writer, recipe)
            let step = try #require(writer.steps.first { !$0.layers.isEmpty })
            let path = "\(folder)/out/\(step.file)"
            let bytes = try Folder.bytes(path)
            try Folder.write(Array(bytes.dropLast()), to: path)
            #expect(!writer.isDone(step))
            #expect(try Self.run(writer, recipe) == step.layers.count)
            #expect(try Folder.bytes(path) == bytes)
        }
    }

    @Test func whatDoesNotFit() throws {
        try Folder.withTemporary { folder in
            let source = try Self.source(folder + "/source")
            func attempt(_ linears: [String], _ recipe: QuantizationRecipe) -> String {
                do throws(QuantizationError) {
                    _ = try QuarkCheckpointWriter(
                        folder: folder + "/out",
                        source: source,
                        config: [:],
                        linears: linears,
                        recipe: recipe
                    )
                    return "none"
                } catch {
                    return error.description
                }
            }
            let recipe = Self.recipes[0]
            #expect(attempt(["nobody"], recipe).contains("tensor nobody.weight: is missing"))
            #expect(attempt(["model.norm"], recipe).contains("a linear layer's weight has two extents"))
            var odd = recipe
            odd.linear.weight = TensorScheme(element: .f8e4m3, granularity: .perGroup(24))
            #expect(attempt(Self.layers, odd).contains("has 64 columns, which blocks of 24 do not divide"))
            odd.linear.weight = TensorScheme(element: .f8e4m3fnuz, granularity: .perTensor)
            #expect(attempt(Self.layers, odd).contains("no word for F8_E4M3FNUZ"))
            #expect(!FileManager.default.fileExists(atPath: folder + "/out"))

            let writer = try Self.writer(folder + "/out", source, recipe)
            let step = try #require(writer.steps.first { !$0.layers.isEmpty })
            let other = try [Float](repeating: 1, count: 64).withUnsafeBufferPointer {
                values throws(QuantizationError) in
                try TensorScheme.mxfp4().quantize(values, rows: 2, columns: 32)
            }
            #expect(throws: QuantizationError.self) {
                try writer.write(step, quantize: { _, _ in other }, scales: { _ in .init() })
            }
            #expect(!writer.isDone(step))
        }
    }
}
