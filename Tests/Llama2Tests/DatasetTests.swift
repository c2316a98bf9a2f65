import CPluginAPI
import FoundationEssentials
import JSON
import Testing

/// The head's side: data sets, and the files that each role needs.
@Suite struct DatasetTests {
    let golden: GoldenCheckpoint

    init() throws { golden = try #require(GoldenCheckpoint.own.first) }

    private func prompts(_ plugin: LoadedPlugin) throws -> [[Int32]] {
        let table = plugin.extensionTable(MLP_DATASET, mlp_dataset.self)
        var total: UInt64 = 0
        var performance: UInt64 = 0
        try plugin.check(table.pointee.size(plugin.plugin, &total, &performance), "size")
        #expect(total == performance)
        return try (0..<total).map { index in
            var index = index
            try plugin.check(table.pointee.load(plugin.plugin, &index, 1), "load")
            var payload = mlp_bytes()
            var count: UInt64 = 0
            try plugin.check(table.pointee.payload(plugin.plugin, index, &payload, &count), "payload")
            #expect(payload.size == 4 * count)
            return Array(
                UnsafeBufferPointer(start: payload.data?.assumingMemoryBound(to: Int32.self), count: Int(count))
            )
        }
    }

    private func read(_ name: String, _ content: [UInt8], model: Bool = true) throws -> [[Int32]] {
        let scratch = try ScratchCheckpoint(of: golden.folder)
        try scratch.write(name, content)
        let plugin = try LoadedPlugin(
            host: TestHost(),
            role: "head",
            model: model ? golden.folder : nil,
            dataset: scratch.folder + "/" + name
        )
        try plugin.prepare()
        return try prompts(plugin)
    }

    /// Folders that the converter wrote, against the values of the pickles that it read.
    @Test func matchesGoldenConversion() throws {
        let root = GoldenCheckpoint.root + "/dataset-samples"
        guard FileSystemProbe.has(root + "/expected.json") else {
            return print("golden dataset-samples: not run (no \(root)/expected.json)")
        }
        let expected = JSONField(try JSON(contentsOfFile: root + "/expected.json"), at: root + "/expected.json")
        var cases = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: root).sorted() {
            guard FileSystemProbe.has("\(root)/\(name)/dataset.json"),
                let source = name.split(separator: ".").first.map(String.init),
                let rows = try expected[source].optional
            else { continue }
            let wanted = try rows.array().map { row in try row["tok_input"].array().map { Int32(try $0.int()) } }
            for path in ["\(root)/\(name)", "\(root)/\(name)/dataset.json"] {
                let plugin = try LoadedPlugin(host: TestHost(), role: "head", model: nil, dataset: path)
                try plugin.prepare()
                #expect(try prompts(plugin) == wanted)
            }
            print("golden dataset-samples/\(name): passed worst=0 tolerance=0")
            cases += 1
        }
        if cases == 0 { print("golden dataset-samples: not run (no converted folder)") }
    }

    @Test func jsonLines() throws {
        #expect(
            try read("ids.jsonl", Array("{\"input_ids\": [1, 5, 9]}\n\n{\"input_ids\":[2]}".utf8)) == [[1, 5, 9], [2]]
        )
        #expect(try read("ids.jsonl", Array("{\"input_ids\": [1, 5]}\n".utf8), model: false) == [[1, 5]])
        let tokenizer = try LoadedPlugin(host: TestHost(), role: "head", model: golden.folder)
        let texts = ["hello world", "naïve \u{1F600}", ""]
        var wanted: [[Int32]] = []
        for text in texts { wanted.append([1] + (try encode(text, tokenizer)).map { Int32(bitPattern: $0) }) }
        let lines = [
            "{\"text\": \"hello world\"}", "{\"input\": \"naïve \u{1F600}\", \"other\": 3}", "{\"text\": \"\"}",
        ]
        #expect(try read("text.jsonl", Array(lines.joined(separator: "\r\n").utf8)) == wanted)
    }

    private func encode(_ text: String, _ plugin: LoadedPlugin) throws -> [UInt32] {
        let table = plugin.extensionTable(MLP_TOKENIZER, mlp_tokenizer.self)
        var text = text
        return try text.withUTF8 { bytes in
            let argument = mlp_bytes(data: bytes.baseAddress, size: UInt64(bytes.count))
            var count: UInt64 = 0
            try plugin.check(table.pointee.encode(plugin.plugin, argument, nil, 0, &count), "encode")
            var tokens = [UInt32](repeating: 0, count: Int(count))
            try plugin.check(table.pointee.encode(plugin.plugin, argument, &tokens, count, &count), "encode")
            return tokens
        }
    }

    @Test func tokenizerTable() throws {
        let plugin = try LoadedPlugin(host: TestHost(), role: "head", model: golden.folder)
        let table = plugin.extensionTable(MLP_TOKENIZER, mlp_tokenizer.self)
        let tokens = try encode("round trip", plugin)
        var text = [CChar](repeating: 0, count: 64)
        var count: UInt64 = 0
        try plugin.check(
            table.pointee.decode(plugin.plugin, tokens, UInt64(tokens.count), &text, 64, &count),
            "decode"
        )
        #expect(String(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self) == "round trip")
        let beyond = [table.pointee.vocabulary]
        #expect(
            table.pointee.decode(plugin.plugin, beyond, 1, &text, 64, &count) == mlp_status(MLP_INVALID_ARGUMENT)
        )
    }

    static let broken: [(String, [UInt8], String)] = [
        ("empty.jsonl", [], "the data set is empty"),
        ("blank.jsonl", Array("\n\n".utf8), "the data set is empty"),
        ("x.jsonl", Array("{\"input_ids\": [1]}\n{\"input_ids\": []}".utf8), "line 2: the prompt has no token"),
        ("x.jsonl", Array("{\"input_ids\": [1, 99999999]}".utf8), "line 1: token 1 is 99999999"),
        ("x.jsonl", Array("{\"input_ids\": [-1]}".utf8), "line 1: token 0 is -1"),
        ("x.jsonl", Array("{\"input_ids\": [9e30]}".utf8), "input_ids[0]"),
        ("x.jsonl", Array("{\"input_ids\": 3}".utf8), "input_ids"),
        ("x.jsonl", Array("{\"prompt\": \"a\"}".utf8), "input_ids, text or input"),
        ("x.jsonl", Array("{\"text\": 5}".utf8), "text"),
        ("x.jsonl", Array("[1]".utf8), "line 1"),
        ("x.jsonl", Array("{\"text\": \"a\"}\n{\"text".utf8), "line 2"),
        ("x.jsonl", Array("{\"text\": \"".utf8) + [0xff, 0xfe] + Array("\"}".utf8), "line 1"),
        (
            "x.jsonl", Array("{\"input_ids\": [\(Array(repeating: "1", count: 9000).joined(separator: ","))]}".utf8),
            "max_position_embeddings"
        ),
        ("x.pkl", [0x80, 4], ".jsonl"),
    ]

    @Test(arguments: broken)
    func brokenFiles(_ name: String, _ content: [UInt8], _ part: String) throws {
        #expect {
            try read(name, content)
        } throws: { error in
            "\(error)".contains(part) && "\(error)".contains(name)
        }
    }

    @Test func textWithoutATokenizer() throws {
        #expect {
            try read("x.jsonl", Array("{\"text\": \"a\"}".utf8), model: false)
        } throws: {
            "\($0)".contains("tokenizer")
        }
    }

    @Test func brokenConvertedFolders() throws {
        let root = GoldenCheckpoint.ownRoot + "/dataset-samples"
        guard
            let name = try FileManager.default.contentsOfDirectory(atPath: root).sorted().first(where: {
                FileSystemProbe.has("\(root)/\($0)/dataset.json")
            })
        else { return print("golden dataset-samples: not run (no converted folder)") }
        let index = try Array(Data(contentsOf: URL(filePath: "\(root)/\(name)/tok_input.idx")))
        let data = try Array(Data(contentsOf: URL(filePath: "\(root)/\(name)/tok_input.bin")))
        func changed(_ bytes: [UInt8], _ offset: Int, _ value: UInt8) -> [UInt8] {
            var bytes = bytes
            bytes[offset] = value
            return bytes
        }
        let cases: [(String, [UInt8]?, String)] = [
            ("tok_input.idx", nil, "tok_input.idx"),
            ("tok_input.idx", Array(index.dropLast()), "tok_input.idx"),
            ("tok_input.idx", changed(index, 0, 0), "MMIDIDX"),
            ("tok_input.idx", changed(index, 9, 2), "version 2"),
            ("tok_input.idx", changed(index, 17, 8), "element type 8"),
            ("tok_input.idx", changed(index, 18, 9), "9 sequences"),
            ("tok_input.idx", changed(index, 37, 0xff), "sequence 0 has length"),
            ("tok_input.idx", changed(index, 36, 0x7f), "cut short"),
            ("tok_input.idx", changed(index, 58, 1), "begins at byte"),
            ("tok_input.bin", Array(data.dropLast(4)), "tok_input.bin"),
            ("tok_input.bin", changed(data, 7, 0x80), "sequence 0: token 1 is -"),
            ("dataset.json", nil, "no dataset.json"),
            ("dataset.json", Array("{}".utf8), "format: missing"),
            ("dataset.json", Array("{\"format\": \"podium-dataset\", \"version\": 2}".utf8), "version"),
        ]
        for (file, content, part) in cases {
            let copy = try ScratchCheckpoint(of: "\(root)/\(name)", leaving: content == nil ? [file] : [])
            if let content { try copy.write(file, content) }
            let plugin = try LoadedPlugin(host: TestHost(), role: "head", model: nil, dataset: copy.folder)
            #expect {
                try plugin.prepare()
            } throws: { error in
                "\(error)".contains(part) && "\(error)".contains(copy.folder)
            }
        }
        let climbing = try ScratchCheckpoint(of: "\(root)/\(name)")
        try climbing.edit("dataset.json", [("tokens", ["tok_input": ["bin": "../x", "idx": "a", "tokens": 1]])])
        let plugin = try LoadedPlugin(host: TestHost(), role: "head", model: nil, dataset: climbing.folder)
        #expect {
            try plugin.prepare()
        } throws: {
            "\($0)".contains("tokens.tok_input.bin")
        }
    }

    // MARK: Roles

    @Test func eachRoleStartsWithItsOwnFiles() throws {
        let weightless = try ScratchCheckpoint(of: golden.folder)
        for name in try FileManager.default.contentsOfDirectory(atPath: golden.folder)
        where name.contains("safetensors") || name.contains("config.json") && !name.contains("tokenizer") {
            try? FileManager.default.removeItem(atPath: weightless.folder + "/" + name)
        }
        try weightless.write("prompts.jsonl", "{\"text\": \"abc\"}")
        let head = try LoadedPlugin(
            host: TestHost(),
            role: "head",
            model: weightless.folder,
            dataset: weightless.folder + "/prompts.jsonl"
        )
        try head.prepare()
        try head.start()
        try head.stop()
        #expect(try prompts(head).count == 1)

        let textless = try ScratchCheckpoint(
            of: golden.folder,
            leaving: ["tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
        )
        let prompt = try golden.prompts[0]
        #expect(try generate([prompt.ids], model: textless.folder)[0].tokens == prompt.greedy)
    }

    @Test func headsDoNotComputeAndWorkersHaveNoSamples() throws {
        let head = try LoadedPlugin(host: TestHost(), role: "head", model: golden.folder)
        try head.prepare()
        try head.start()
        #expect(throws: LoadedPlugin.Failure.self) { try head.issue([[1]]) }
        try head.stop()
        let worker = try LoadedPlugin(host: TestHost(), role: "worker", model: golden.folder)
        var total: UInt64 = 0
        let table = worker.extensionTable(MLP_DATASET, mlp_dataset.self)
        var performance: UInt64 = 0
        #expect(table.pointee.size(worker.plugin, &total, &performance) == mlp_status(MLP_NOT_FOUND))
    }

    @Test func payloadNeedsLoading() throws {
        let scratch = try ScratchCheckpoint(of: golden.folder)
        try scratch.write("x.jsonl", "{\"input_ids\": [1]}")
        let plugin = try LoadedPlugin(
            host: TestHost(),
            role: "head",
            model: golden.folder,
            dataset: scratch.folder + "/x.jsonl"
        )
        try plugin.prepare()
        let table = plugin.extensionTable(MLP_DATASET, mlp_dataset.self)
        var payload = mlp_bytes()
        var count: UInt64 = 0
        #expect(table.pointee.payload(plugin.plugin, 0, &payload, &count) == mlp_status(MLP_INVALID_STATE))
        var index: UInt64 = 1
        #expect(table.pointee.load(plugin.plugin, &index, 1) == mlp_status(MLP_INVALID_ARGUMENT))
    }
}
