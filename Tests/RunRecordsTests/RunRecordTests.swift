import JSON
import RunRecords
import Testing

@Suite("Run records")
struct RunRecordTests {
    @Test("A record that was written is read as it was")
    func roundTrip() throws {
        var record = RunRecord()
        record.status = .pluginFault
        record.words = ["--plugin", "libLlama2.so", "a=\"b\""]
        record.scenario = "Interactive"
        record.options = ["max_new_tokens": 1024, "gemm": "invariant"]
        record.settings = ["scenario": "Server", "server_target_qps": 0.1]
        record.keepFromSubmission("Seeds were left out.")
        record.resources = ResourceCheck(manifest: "m.json", checkedFiles: 3, mismatches: ["model.safetensors differs"])
        record.reasons = ["The plugin failed."]
        record.hostNanosecondsPerSample = 117.5
        let parsed = try JSON(parsing: record.json.text(pretty: true))
        #expect(try RunRecord(JSONField(parsed, at: "run.json")) == record)
    }

    @Test("A record without a member is refused with the member's name")
    func missingMember() throws {
        let error = #expect(throws: JSONError.self) {
            try RunRecord(JSONField(["format": 1, "status": "valid"], at: "run.json"))
        }
        #expect("\(try #require(error))".contains("host"))
    }
}
