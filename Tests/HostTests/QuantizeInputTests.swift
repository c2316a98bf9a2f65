import Glibc
import JSON
import Numerics
import Testing

@testable import Core

/// What `host quantize` refuses, in which words and with which status.
@Suite struct QuantizeInputTests {
    private static let calibration = QuantizeTests.golden + "/calibration.jsonl"
    private static let source = QuantizeTests.golden + "/source"
    private static let fp8 = ["--scheme", "fp8", "--method", "rtn", "--samples", "2"]

    private func refusal(
        _ model: String,
        _ words: [String],
        output: String? = nil,
        plugin: String = "libLlama2.so",
        status: Int32 = 64
    ) throws -> String {
        let folder = try output ?? TemporaryFolder.folder() + "/out"
        let outcome = try QuantizeTests.quantize(model, to: folder, words, plugin: plugin)
        #expect(outcome.status == status, "\(outcome.errors)")
        return outcome.errors
    }

    @Test func wordsThatMakeNoSense() throws {
        let data = ["--calibration", Self.calibration]
        func check(_ words: [String], _ expected: String) throws {
            let text = try refusal(Self.source, words)
            #expect(text.contains(expected), "\(text)")
        }
        try check(["--scheme", "int4"], "int4")
        try check(["--scheme", "fp8"], "need calibration data; give --calibration")
        // The data set of a configuration file is not taken for it.
        let file = ["--config-path", "Plugins/Llama2/Configs", "--config-name", "demo_offline"]
        try check(["--scheme", "fp8"] + file, "need calibration data; give --calibration")
        try check(["--scheme", "fp8", "--samples", "9"] + data, "--samples 9: the calibration data has 8 samples")
        for count in ["0", "-3"] {
            try check(["--scheme", "fp8", "--samples=\(count)"] + data, "--samples: \(count): expected how many")
        }
        try check(
            ["--scheme", "fp8", "--exclude", "*.qproj"] + data,
            "--exclude *.qproj: no linear layer has this name"
        )
        try check(["--scheme", "fp8", "--exclude", "*.k_proj"] + data, "use --kv-cache none, or do not exclude it")
        try check(["--scheme", "fp8", "--kv-cache", "none", "--exclude", "*"] + data, "nothing to quantise")
        try check(["--scheme", "fp8", "--damping", "-1"] + data, "--damping")
        try check(["--scheme", "fp8", "--calibration", "/nowhere.jsonl"], "/nowhere.jsonl")
        #expect(try refusal("/nowhere", Self.fp8 + data).contains("/nowhere"))
        #expect(try refusal(Self.source, Self.fp8 + data, plugin: "libNull.so").contains("offers no mlp.quantize/1"))
    }

    @Test func checkpointsThatAreQuantisedAlready() throws {
        let text = try refusal(QuantizeTests.golden + "/fp8", Self.fp8 + ["--calibration", Self.calibration])
        #expect(text.contains("quantised already") || text.contains("quantization_config"), "\(text)")
    }

    @Test func foldersThatAreNotOurs() throws {
        let data = ["--calibration", Self.calibration]
        let folder = try TemporaryFolder.folder()
        // A model, also the source itself.
        #expect(
            try refusal(Self.source, Self.fp8 + data, output: Self.source).contains("holds a finished model")
        )
        try TextFile.write("mine", to: folder + "/notes.txt")
        #expect(try refusal(Self.source, Self.fp8 + data, output: folder).contains("notes.txt: is there, but no"))
        #expect(try refusal(Self.source, Self.fp8 + data, output: "/proc/out").contains("cannot be made"))
        #expect(try refusal(Self.source, Self.fp8 + data, output: folder + "/notes.txt").contains("notes.txt"))
        // Begun with other settings.
        let begun = folder + "/begun"
        mkdir(begun, 0o777)
        try TextFile.write("{}", to: begun + "/quantize.json")
        let text = try refusal(Self.source, Self.fp8 + data, output: begun)
        #expect(text.contains("was begun from another source or with other settings"), "\(text)")
    }

    @Test func calibrationDataThatDoesNotFit() throws {
        let beyond = try DatasetFile.write([["input_ids": [5, 6]], ["input_ids": [5, 96]]])
        let text = try refusal(Self.source, Self.fp8 + ["--calibration", beyond])
        #expect(text.contains("line 2") && text.contains("96"), "\(text)")
        let long = try DatasetFile.write([["input_ids": .array((0..<300).map { _ in 5 })]])
        let other = try refusal(Self.source, ["--scheme", "fp8", "--calibration", long])
        #expect(other.contains("300"), "\(other)")
    }

    /// What comes along with a model, what does not, and what is said of it.
    @Test func companions() throws {
        let model = try copy()
        // The progress record is not a file of the model's, whatever the model's folder has.
        for name in ["calibration.json", "calibration.0.states", "quantize.json", "tokenizer.json"] {
            try TextFile.write("the model's", to: "\(model)/\(name)")
        }
        let large = open(model + "/large.dat", O_WRONLY | O_CREAT, 0o666)
        try #require(large >= 0 && ftruncate(large, 257 << 20) == 0)
        close(large)
        let output = try TemporaryFolder.folder() + "/out"
        let words = ["--scheme", "mxfp4", "--kv-cache", "none", "--method", "rtn", "--samples", "2"]
        let outcome = try QuantizeTests.quantize(model, to: output, words)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            QuantizeResumeTests.names(in: output) == [
                "config.json", "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
                "model-00003-of-00003.safetensors", "model.safetensors.index.json", "quantize.json", "tokenizer.json",
            ]
        )
        #expect(SettingsReader.read(output + "/quantize.json")?.contains("the model's") == false)
        #expect(outcome.errors.contains("large.dat is larger than 256 MiB and not copied"), "\(outcome.errors)")
        #expect(outcome.errors.contains("--calibration and --samples are not used"), "\(outcome.errors)")
        #expect(outcome.errors.contains("model-00001-of-00003.safetensors is written, "), "\(outcome.errors)")
    }

    /// A weight that is NaN shows in the activations; the sample and the layer are named.
    @Test func infinitiesInTheCalibration() throws {
        let model = try copy { name, values in
            if name == "model.layers.1.mlp.up_proj.weight" { values[0] = .nan }
        }
        // Rounding looks at the weights last, so that the activations come first.
        let text = try refusal(model, Self.fp8 + ["--calibration", Self.calibration])
        #expect(text.contains("calibration sample 0: what goes into model.layers.1.mlp.down_proj"), "\(text)")
        let gptq = try refusal(model, ["--scheme", "mxfp4", "--calibration", Self.calibration])
        #expect(gptq.contains("model.layers.1.mlp.up_proj.weight: row 0, column 0 is nan"), "\(gptq)")
    }

    /// MXFP4 needs rows of a multiple of 32; the layer can be excluded.
    @Test func columnsThatBlocksDoNotDivide() throws {
        let model = try copy(intermediate: 80)
        let calibration = try DatasetFile.write([["input_ids": [5, 6, 7]]])
        let words = ["--scheme", "mxfp4", "--method", "rtn", "--calibration", calibration]
        let text = try refusal(model, words)
        #expect(
            text.contains("has 80 columns, which blocks of 32 do not divide; exclude model.layers.0.mlp.down_proj"),
            "\(text)"
        )
        let output = try TemporaryFolder.folder() + "/out"
        let outcome = try QuantizeTests.quantize(model, to: output, words + ["--exclude", "*.down_proj"])
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    /// The golden source with other numbers, or with a narrower MLP.
    private func copy(
        intermediate: Int = 96,
        _ change: (_ name: String, _ values: inout [Float]) -> Void = { _, _ in }
    ) throws -> String {
        let folder = try TemporaryFolder.folder()
        let path = Self.source + "/config.json"
        guard case .object(var config) = try JSON(contentsOfFile: path) else { return folder }
        config.updateValue(JSON(intermediate), forKey: "intermediate_size")
        try TextFile.write(JSON.object(config).text(), to: folder + "/config.json")
        let source = try Checkpoint(folder: Self.source)
        let writer = try SafetensorsWriter(
            path: folder + "/model.safetensors",
            tensors: source.tensors.map {
                .init(
                    name: $0.name,
                    type: $0.type,
                    shape: $0.shape.map { $0 == 96 && intermediate != 96 ? intermediate : $0 }
                )
            }
        )
        for tensor in source.tensors {
            var values = try tensor.floats()
            change(tensor.name, &values)
            let shape = tensor.shape.map { $0 == 96 && intermediate != 96 ? intermediate : $0 }
            values.removeLast(values.count - shape.reduce(1, *))
            try writer.append(ElementType.f32.encode(values), to: tensor.name)
        }
        try writer.finish()
        if intermediate != 96 {
            // The vocabulary is 96 as well.
            config.updateValue(JSON(intermediate), forKey: "vocab_size")
            try TextFile.write(JSON.object(config).text(), to: folder + "/config.json")
        }
        return folder
    }
}
