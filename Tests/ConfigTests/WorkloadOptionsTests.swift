import Core
import JSON
import Testing

@Suite("Options of a workload")
struct WorkloadOptionsTests {
    static let declaration = """
        [{"name": "max_new_tokens", "type": "integer", "help": "Most tokens.", "default": 1024, "minimum": 1, "maximum": 4096},
         {"name": "stop_at_eos", "type": "boolean", "help": "Ends at EOS.", "default": true},
         {"name": "temperature", "type": "number", "help": "T.", "minimum": 0, "default": 0},
         {"name": "kv-dtype", "type": "string", "help": "KV.", "values": ["bf16", "fp8"], "default": "bf16"},
         {"name": "cache", "type": "path", "help": "A folder.", "unit": "unknown members may be there"},
         {"name": "free", "type": "string", "help": "A text.", "required": true}]
        """

    func resolve(_ words: [String], _ declaration: String = declaration) throws -> String {
        let options = try WorkloadOptions(declaration: declaration, workload: "org.example.w")
        return JSON.object(try options.resolve(try configuration(words).options)).text()
    }

    @Test("Defaults are filled in, in the order of the declaration")
    func defaults() throws {
        #expect(
            try JSON(parsing: resolve(["model_config.free=on"]))
                == JSON(
                    parsing: #"""
                        {"max_new_tokens": 1024, "stop_at_eos": true, "temperature": 0, "kv-dtype": "bf16", "cache": null,
                         "free": "on"}
                        """#
                )
        )
    }

    @Test("What is written goes over them")
    func written() throws {
        let words = [
            "model_config.max-new-tokens=64", "--model_config.stop_at_eos=False", "model_config.temperature=5e-1",
            "model_config.kv_dtype=fp8", "model_config.cache=a/b", "model_config.free='5'",
        ]
        #expect(
            try JSON(parsing: resolve(words))
                == JSON(
                    parsing: #"""
                        {"max_new_tokens": 64, "stop_at_eos": false, "temperature": 0.5, "kv-dtype": "fp8", "cache": "a/b",
                         "free": "5"}
                        """#
                )
        )
    }

    @Test("AMD's names for them")
    func aliases() throws {
        let run = try configuration(["vllm_sampling_config.max_tokens=32768"])
        #expect(run.options.map(\.key) == ["model_config.max_new_tokens"])
    }

    @Test(
        "Wrong values",
        arguments: [
            (
                "model_config.max_new_tokens=0",
                "model_config.max_new_tokens: expected an integer from 1 to 4096, found '0'"
            ),
            (
                "model_config.max_new_tokens='5'",
                "model_config.max_new_tokens: expected an integer from 1 to 4096, found the quoted text \"5\""
            ),
            ("model_config.stop_at_eos=1", "model_config.stop_at_eos: expected true or false, found '1'"),
            ("model_config.temperature=-1", "model_config.temperature: expected a number of at least 0.0, found '-1'"),
            (
                "model_config.temperature=nan",
                "model_config.temperature: expected a number of at least 0.0, found 'nan'"
            ),
            ("model_config.kv_dtype=fp4", "model_config.kv_dtype: expected one of bf16, fp8, found 'fp4'"),
            ("model_config.cache=[a]", "model_config.cache: expected a path, found a list of 1"),
            (
                "model_config.max_new_token=5",
                "model_config.max_new_token: is not an option of org.example.w. Nearest: model_config.max_new_tokens"
            ),
            (
                "model_config.zzzzzzzzzzzz=5",
                "model_config.zzzzzzzzzzzz: is not an option of org.example.w. It has max_new_tokens, stop_at_eos, temperature,"
                    + " kv-dtype, cache, free"
            ),
        ]
    )
    func wrong(word: String, expected: String) {
        #expect(
            throws: ConfigError.self,
            performing: { try resolve(["model_config.free=x", word]) }
        )
        do { _ = try resolve(["model_config.free=x", word]) } catch {
            #expect("\(error)" == "command-line word 4, '\(word)': \(expected)")
        }
    }

    @Test("A required option that is missing or unset")
    func required() {
        let reason = "is required by org.example.w (a text): A text."
        #expect(throws: ConfigError(reason, key: "model_config.free")) { try resolve([]) }
        #expect(
            throws: ConfigError(
                reason,
                key: "model_config.free",
                origin: .word(position: 3, text: "model_config.free=null")
            )
        ) { try resolve(["model_config.free=null"]) }
    }

    @Test(
        "Declarations that are the plugin's fault",
        arguments: [
            "", "{}", "[1]", "[{}]", "[[]]", #"[{"name": "a", "type": "integer"}]"#,
            #"[{"name": "a", "type": "float", "help": ""}]"#, #"[{"name": "A", "type": "path", "help": ""}]"#,
            #"[{"name": "a.b", "type": "path", "help": ""}]"#, #"[{"name": "", "type": "path", "help": ""}]"#,
            #"[{"name": "a", "type": "path", "help": ""}, {"name": "a", "type": "path", "help": ""}]"#,
            #"[{"name": "a-b", "type": "path", "help": ""}, {"name": "a_b", "type": "path", "help": ""}]"#,
            #"[{"name": "a", "type": "integer", "help": "", "default": 1.5}]"#,
            #"[{"name": "a", "type": "integer", "help": "", "default": 5, "maximum": 4}]"#,
            #"[{"name": "a", "type": "integer", "help": "", "minimum": 5, "maximum": 4}]"#,
            #"[{"name": "a", "type": "integer", "help": "", "minimum": 99999999999999999999}]"#,
            #"[{"name": "a", "type": "boolean", "help": "", "minimum": 0}]"#,
            #"[{"name": "a", "type": "string", "help": "", "values": []}]"#,
            #"[{"name": "a", "type": "string", "help": "", "values": ["x", 1]}]"#,
            #"[{"name": "a", "type": "string", "help": "", "values": ["x"], "default": "y"}]"#,
            #"[{"name": "a", "type": "path", "help": "", "values": ["x"]}]"#,
            #"[{"name": "a", "type": "path", "help": "", "default": "x", "required": true}]"#,
            #"[{"name": "a", "type": "path", "help": 5}]"#,
            #"[{"name": "a", "type": "path", "help": "", "required": "yes"}]"#,
        ]
    )
    func declarations(text: String) {
        do {
            _ = try WorkloadOptions(declaration: text, workload: "w")
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.fault == .plugin && "\(error)".contains("the plugin's declaration of options for w is wrong"))
        }
    }

    @Test("A workload without options")
    func none() throws {
        #expect(try resolve([], "[]") == "{}")
        #expect(throws: ConfigError.self) { try resolve(["model_config.a=1"], "[]") }
    }
}
