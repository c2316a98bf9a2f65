import Core
import FuzzDriver
import Testing

/// Each reader must accept or refuse; a trap or a hang ends the process.
@Suite("Mutated configurations")
struct ConfigFuzzTests {
    private static let yaml = """
        # a comment
        benchmark_name: llama2-70b
        scenario: offline
        test-mode: "performance"
        harness_config:
          dataset_path: 'data/x'
          target_qps: -1
          device_count: 8
          enable_warmup: True
          sorting: {strategy: buckets, buckets: [12.5, 1e1]}
        model_config:
          max_new_tokens: 64
          text: >-
            folded

        """
    private static let tokens = [
        ":", ": ", "- ", "-", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "&a [*a, *a]", "!!str ", "!x ", "|\n ",
        ">\n ",
        "'", "\"", "\\", "\\x00", "\\ud800", "#", " #", "---\n", "...\n", "%YAML 1.2\n", "\t", "\n", "\r\n", "  ",
        "<<: ",
        "null", "~", "true", "yes", "on", "1e999", "-0", "0x10", "1_000", ".inf", "9223372036854775808", "@", "`", "=",
        "${x}", ".", "-1", "[[[[[[[[", "{a: {a: {a: ", "- - - - - ", "\u{E9}", "\u{1F600}", "\u{0}", "\u{FEFF}",
        "\u{85}",
        "harness_config", "model_config.", "+", "++", "--", "=[", "='",
    ]

    @Test("Files")
    func files() {
        let words = ["--plugin", "p", "--config-name", "f"]
        let report = Fuzzer(
            name: "config file",
            seeds: [Array(Self.yaml.utf8), Array("harness_config.target_qps: 3\n".utf8)],
            tokens: Self.tokens
        ).run { bytes in
            (try? RunConfiguration(words: words, files: ConfigFiles(contents: { _ in .success(bytes) }))) != nil
        }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }

    @Test("Command lines")
    func words() {
        let seed = """
            --plugin
            libLlama2.so
            --config-path=Plugins/Llama2/Configs
            test_mode=performance
            --isolate
            +harness_config.target_qps=300
            harness_config={device_count: 8, sorting: {buckets: [1, 2.5]}}
            scenario='Server'
            vllm_sampling_config.max_tokens=32768
            """
        let report = Fuzzer(name: "config words", seeds: [Array(seed.utf8)], tokens: Self.tokens).run { bytes in
            let words = bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            return (try? RunConfiguration(words: words, files: ConfigFiles(contents: { _ in .success([]) }))) != nil
        }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }

    @Test("Declarations of options, and values against them")
    func options() throws {
        let run = try configuration([
            "model_config.max_new_tokens=64", "model_config.temperature=0.5", "model_config.kv_dtype=fp8",
        ])
        let report = Fuzzer(name: "config options", seeds: [Array(WorkloadOptionsTests.declaration.utf8)]).run {
            bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let options = try? WorkloadOptions(declaration: text, workload: "w") else { return false }
            _ = try? options.resolve(run.options)
            return true
        }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }
}
