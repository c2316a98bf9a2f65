import Core
import Testing

@Suite("Configurations that are refused, and what is said")
struct BadConfigurationTests {
    @Test(
        "On the command line",
        arguments: [
            (
                ["harness_config.target_qsp=3"],
                "command-line word 3, 'harness_config.target_qsp=3': harness_config.target_qsp: is not a known key."
                    + " Nearest: harness_config.target_qps"
            ),
            (
                ["target_qps=3"],
                "command-line word 3, 'target_qps=3': target_qps: is not a known key. Nearest: harness_config.target_qps"
            ),
            (
                ["--scenaro=Offline"],
                "command-line word 3, '--scenaro=Offline': scenaro: is not a known key. Nearest: scenario"
            ),
            (
                ["scenario=ofline"],
                "command-line word 3, 'scenario=ofline': scenario: expected one of Offline, Server, Interactive, SingleStream,"
                    + " MultiStream, found 'ofline'; nearest: Offline"
            ),
            (
                ["harness_config.target_qps=fast"],
                "command-line word 3, 'harness_config.target_qps=fast': harness_config.target_qps: expected a number from 0.0 to"
                    + " 1000000000.0, found 'fast'"
            ),
            (["isolate=yes"], "command-line word 3, 'isolate=yes': isolate: expected true or false, found 'yes'"),
            (["--isolate", "yes"], "command-line word 4, 'yes': expected key=value or --key value"),
            (["--output"], "command-line word 3, '--output': output: needs a value: --output VALUE"),
            (
                ["--output", "test_mode=accuracy"],
                "command-line word 3, '--output': output: needs a value: --output VALUE"
            ),
            (["--output", "--isolate"], "command-line word 3, '--output': output: needs a value: --output VALUE"),
            (["run"], "command-line word 3, 'run': expected key=value or --key value"),
            (["model="], "command-line word 3, 'model=': model: has no value; write model=null for the default"),
            (["=x"], "command-line word 3, '=x': '' is no key"),
            (["a..b=x"], "command-line word 3, 'a..b=x': 'a..b' is no key"),
            (
                ["harness_config=5"],
                "command-line word 3, 'harness_config=5': harness_config: is a group of keys, found '5'"
            ),
            (
                ["harness_config.target_qps.x=5"],
                "command-line word 3, 'harness_config.target_qps.x=5': harness_config.target_qps.x: harness_config.target_qps"
                    + " takes a number from 0.0 to 1000000000.0, no keys below it"
            ),
            (
                ["model_config.a.b=5"],
                "command-line word 3, 'model_config.a.b=5': model_config.a.b: options of the workload have no groups: write"
                    + " model_config.NAME"
            ),
            (
                ["vllm_engine_config.quantization=quark"],
                "command-line word 3, 'vllm_engine_config.quantization=quark': vllm_engine_config.quantization: is a setting of"
                    + " vLLM or SGLang, which are not used here; the workload's own options are model_config.*, and 'host describe'"
                    + " lists them"
            ),
            (
                ["output=${DIR}/x"],
                "command-line word 3, 'output=${DIR}/x': output: contains '${': variables are not replaced here, write the value"
            ),
            (
                ["harness_config.total_sample_count=1e3"],
                "command-line word 3, 'harness_config.total_sample_count=1e3': harness_config.total_sample_count: expected an integer"
                    + " from 0 to 2147483647, found '1e3'"
            ),
            (
                ["harness_config.total_sample_count=99999999999999999999"],
                "command-line word 3, 'harness_config.total_sample_count=99999999999999999999': harness_config.total_sample_count:"
                    + " expected an integer from 0 to 2147483647, found '99999999999999999999'"
            ),
            (
                ["harness_config.target_qps=inf"],
                "command-line word 3, 'harness_config.target_qps=inf': harness_config.target_qps: expected a number from 0.0 to"
                    + " 1000000000.0, found 'inf'"
            ),
            (
                ["harness_config.sorting.buckets=[1, two]"],
                "command-line word 3, 'harness_config.sorting.buckets=[1, two]': harness_config.sorting.buckets: expected a list of"
                    + " numbers, found 'two' in it"
            ),
            (
                ["output=[a"],
                "command-line word 3, 'output=[a': is not valid YAML: did not find expected ',' or ']'"
            ),
            (
                ["--config-path", "nowhere"],
                "command-line word 3, '--config-path': config_path: the name of the file is missing: --config-name NAME"
            ),
        ]
    )
    func words(_ words: [String], expected: String) {
        #expect(message(words) == expected)
    }

    @Test(
        "In a file",
        arguments: [
            (
                "scenario: Offline\nharness_config:\n  target_qsp: 3\n",
                "c/f.yaml:3: harness_config.target_qsp: is not a known key. Nearest: harness_config.target_qps"
            ),
            (
                "harness_config:\n  target_qps: fast\n",
                "c/f.yaml:2: harness_config.target_qps: expected a number from 0.0 to 1000000000.0, found 'fast'"
            ),
            (
                "harness_config:\n  target_qps: \"300\"\n",
                "c/f.yaml:2: harness_config.target_qps: expected a number from 0.0 to 1000000000.0, found the quoted text \"300\""
            ),
            (
                "harness_config:\n  target_qps: [1]\n",
                "c/f.yaml:2: harness_config.target_qps: expected a number from 0.0 to 1000000000.0, found a list of 1"
            ),
            (
                "harness_config:\n  enable_warmup: on\n",
                "c/f.yaml:2: harness_config.enable_warmup: expected true or false, found 'on'"
            ),
            ("harness_config:\n\ttarget_qps: 3\n", "c/f.yaml:2: is indented with a tab; YAML wants spaces"),
            ("scenario: Offline\nscenario: Server\n", "c/f.yaml:1: scenario: is given twice"),
            (
                "harness-config:\n  target_qps: 1\nharness_config:\n  target-qps: 1\n",
                "c/f.yaml:4: harness_config.target_qps: is given twice, first at c/f.yaml:2"
            ),
            ("model: &m here\n", "c/f.yaml:1: model: has a YAML anchor (&name) or alias (*name); write the value out"),
            (
                "a: &a [x, x]\nb: &b [*a, *a]\n? *b\n: 3\n",
                "c/f.yaml:1: has a YAML anchor (&name) or alias (*name); write the value out"
            ),
            ("model: *m\n", "c/f.yaml:1: is not valid YAML: found undefined alias"),
            (
                "model: !!python/object:os.system x\n",
                "c/f.yaml:1: model: has the YAML tag 'tag:yaml.org,2002:python/object:os.system'; leave it out"
            ),
            ("[a, b]: 3\n", "c/f.yaml:1: expected a name as key"),
            ("- a\n", "c/f.yaml:1: expected keys with values, such as 'scenario: Offline'"),
            ("text\n", "c/f.yaml:1: expected keys with values, such as 'scenario: Offline'"),
            ("scenario: Offline\n---\nscenario: Server\n", "c/f.yaml:2: is not valid YAML: but found another document"),
            ("scenario: 'Offline\n", "c/f.yaml:2: is not valid YAML: found unexpected end of stream"),
            ("model: a\u{0}b\n", "c/f.yaml:1: contains a NUL byte"),
            ("model: \"a\\0b\"\n", "c/f.yaml:1: model: the value has a NUL byte"),
            ("model: {a: b}\n", "c/f.yaml:1: model.a: harness_config.model_path takes a path, no keys below it"),
            ("harness_config: [1]\n", "c/f.yaml:1: harness_config: is a group of keys, found a list of 1"),
            ("config_name: x\n", "c/f.yaml:1: config_name: belongs on the command line"),
            (
                "defaults:\n  - base\n",
                "c/f.yaml:1: defaults: includes are not supported (AMD's harness has none either): write the settings out"
            ),
            (
                "a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n",
                "c/f.yaml:1: a.b.c.d.e.f.g.h: is nested more than 8 deep"
            ),
        ]
    )
    func files(yaml: String, expected: String) {
        #expect(message([], yaml: yaml) == expected)
    }

    @Test("No plugin, no file, a file that is none")
    func missing() {
        #expect(throws: ConfigError("no plugin is given: --plugin libNAME.so")) { try RunConfiguration(words: []) }
        #expect(
            throws: ConfigError("the configuration file 'c/g.yaml' is not there. In c: f, server")
        ) {
            try RunConfiguration(
                words: ["--plugin", "p", "--config-path", "c/", "--config-name", "g"],
                files: memory(["c/f.yaml": "", "c/server.yaml": ""])
            )
        }
        for path in ["/dev/null/x", "/", "/dev/zero"] {
            #expect(throws: ConfigError.self) {
                try RunConfiguration(words: ["--plugin", "p", "--config-name", path + ".yml"])
            }
        }
    }

    @Test("Bytes that are no UTF-8, with their line")
    func notUTF8() {
        let files = ConfigFiles(contents: { _ in .success(Array("scenario: Offline\nmodel: ".utf8) + [0xFF, 0x0A]) })
        #expect(throws: ConfigError("is not valid UTF-8", origin: .file(path: "f.yaml", line: 2))) {
            try RunConfiguration(words: ["--plugin", "p", "--config-name", "f"], files: files)
        }
    }

    @Test("Texts without end are refused, and quickly")
    func huge() {
        let nested = String(repeating: "[", count: 100_000)
        let deep = "model: " + String(repeating: "[", count: 250) + String(repeating: "]", count: 250) + "\n"
        let wide = (0..<5000).map { "model_config.o\($0): 1\n" }.joined()
        let indented = (0..<600).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        for (yaml, words) in [
            ("model: " + nested, "more than 256 brackets"), (deep, "too deep"), (wide, "more than 4096 settings"),
            (indented, "indented by more than 64 spaces"),
            ("a: " + String(repeating: "- ", count: 900), "list marks in a line"),
            ("model: " + String(repeating: "x", count: 20_000), "more than 16384 bytes"),
            (String(repeating: "# comment\n", count: 100_000), "more than 262144 bytes"),
        ] {
            #expect(message([], yaml: yaml).contains(words), "\(message([], yaml: yaml).prefix(200))")
        }
        #expect(message(["model=" + nested]).contains("more than 16384 bytes"))
        #expect(message(["model=" + nested.prefix(9000)]).contains("more than 256 brackets"))
        #expect(message([String](repeating: "a", count: 5000)).contains("more than 4096 words"))
    }
}
