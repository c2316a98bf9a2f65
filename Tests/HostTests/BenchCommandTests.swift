import JSON
import Testing

/// `host bench` as a user types it.
@Suite struct BenchCommandTests {
    @Test func gemmPrintsJSONAndATable() throws {
        let words = ["bench", "gemm", "--shapes", "48x32x64", "--dtype", "bf16", "--rep", "2", "--threads", "1"]
        let outcome = try HostProcess.run(words + ["--json"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let json = try JSON(parsing: outcome.output)
        guard case .array(let rows)? = json["rows"], let row = rows.first else {
            Issue.record("no rows: \(outcome.output)")
            return
        }
        #expect(row["m"] == 48 && row["n"] == 32 && row["k"] == 64 && row["w_type"] == "BF16" && row["x_type"] == "F32")
        #expect(json["library"] == "podium_gemm" && json["threads"] == 1)
        let table = try HostProcess.run(words)
        #expect(table.output.contains("48x32x64") && table.output.contains("of peak") && table.status == 0)
    }

    @Test func bandwidthPrintsATable() throws {
        let outcome = try HostProcess.run(["bench", "bandwidth", "--size", "4", "--rep", "2", "--threads", "2"])
        #expect(outcome.status == 0 && outcome.output.contains("copy") && outcome.output.contains("of limit"))
    }

    @Test func aPluginsExamplesAreTimed() throws {
        let model = HostProcess.root + "/Plugins/Llama2/Demo/checkpoint"
        let words = [
            "bench", "kernels", "--plugin", "libLlama2.so", "--model", model, "--rep", "1", "--only", "rms_norm",
        ]
        let outcome = try HostProcess.run(words + ["--examples", "--json", "--threads", "2"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let json = try JSON(parsing: outcome.output)
        guard case .array(let rows)? = json["rows"] else {
            Issue.record("no rows: \(outcome.output)")
            return
        }
        #expect(!rows.isEmpty && rows.allSatisfy { $0["kernel"] == "rms_norm" && $0["problem"] == .null })
        let real = try HostProcess.run(words)
        #expect(real.output.contains("Llama 2 7B, 16 rows") && real.status == 0, "\(real.errors)")
    }

    @Test(arguments: [
        (["bench", "gemm", "--shapes", "1x2"], "'1x2'"), (["bench", "gemm", "--dtype", "int8"], "'int8'"),
        (["bench", "gemm", "--device", "tpu"], "'tpu'"), (["bench", "bandwidth", "--size", "-1"], "--size"),
        (["bench", "kernels"], "plugin"),
    ])
    func wrongWordsAreNamed(words: [String], part: String) throws {
        let outcome = try HostProcess.run(words)
        #expect(outcome.status == 64 && outcome.errors.contains(part), "\(outcome.status): \(outcome.errors)")
    }

    /// On libraries that multiply in host memory, one device of two.
    @Test func aGPUIsMeasured() throws {
        let driver = HostProcess.products + "/libFakeDriver.so"
        let environment = [
            "FAKE_GPU": "devices=2,protect=1,late=1", "PODIUM_HIP_LIBRARY": driver, "PODIUM_HIPBLASLT_LIBRARY": driver,
            "PODIUM_HIPRTC_LIBRARY": "/nowhere/libhiprtc.so",
        ]
        let gemm = try HostProcess.run(
            ["bench", "gemm", "--device", "hip:1", "--shapes", "8x16x64", "--dtype", "bf16,mxfp4", "--rep", "2"],
            environment: environment
        )
        #expect(gemm.status == 0 && gemm.output.contains("hip:1  Fake Instinct 1"), "\(gemm.errors)")
        #expect(gemm.output.contains("8x16x64  8  16  64   bf16") && !gemm.output.contains("not timed"))
        let bandwidth = try HostProcess.run(
            ["bench", "bandwidth", "--device", "hip:0", "--size", "1", "--rep", "2"],
            environment: environment
        )
        #expect(bandwidth.status == 0 && bandwidth.output.contains("device to host, pinned"), "\(bandwidth.errors)")
    }

    @Test func aMissingGPUIsSaid() throws {
        let outcome = try HostProcess.run(
            ["bench", "gemm", "--device", "hip:0"],
            environment: ["PODIUM_HIP_LIBRARY": "/nowhere/libamdhip64.so"]
        )
        #expect(outcome.status == 1 && outcome.errors.contains("/nowhere/libamdhip64.so"))
    }
}
