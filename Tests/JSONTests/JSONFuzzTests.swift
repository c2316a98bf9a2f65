import FuzzDriver
import Testing

@testable import JSON

@Suite struct JSONFuzzTests {
    /// Whatever is accepted must be written and read back as the same value.
    @Test func mutatedTexts() {
        let seeds = [
            #"{"a":1,"b":[true,false,null],"c":{"d":"e\u00e9\n\ud83d\ude00"},"e":-1.5e-7,"f":18446744073709551615}"#,
            #"{"architectures":["LlamaForCausalLM"],"hidden_size":4096,"rope_scaling":{"factor":8.0,"rope_type":"llama3"},"#
                + #""rope_theta":500000.0,"tie_word_embeddings":false,"torch_dtype":"bfloat16","vocab_size":128256}"#,
            #"{"model":{"type":"BPE","vocab":{"<unk>":0,"\u2581":1,"é":2},"merges":["a b",["c","d"]]},"max":1e30}"#,
            #"[1000000000000000019884624838656,-9223372036854775808,[[[[[[]]]]]],{"x":{"x":{"x":{}}}},"\"\\\/"]"#,
        ]
        let report = Fuzzer(name: "json", seeds: seeds.map { Array($0.utf8) }).run { bytes in
            guard let value = try? JSON(parsing: bytes) else { return false }
            #expect((try? JSON(parsing: value.text())) == value)
            return true
        }
        print(report)
        #expect(report.accepted > 0 && report.accepted < report.count)
    }
}
