import Glibc
import Testing

@testable import Core

/// However often it is interrupted, `host quantize` writes the same bytes.
@Suite struct QuantizeResumeTests {
    private static let words = ["--scheme", "mxfp4", "--calibration", QuantizeTests.demo + "/prompts.jsonl"]

    /// Starts a quantisation of the demo model and sends it a signal when a file of its output is there.
    private static func interrupted(_ output: String, by signal: String, at file: String) throws -> HostProcess.Outcome
    {
        let script = """
            env --default-signal=INT,TERM "$@" & run=$!
            while [ ! -e '\(output)/\(file)' ] && kill -0 $run 2>/dev/null; do sleep 0.002; done
            kill -\(signal) $run
            wait $run
            """
        return try HostProcess.run(
            executable: "/bin/bash",
            ["-c", "set -m\n" + script, "bash", HostProcess.products + "/host", "quantize", "--plugin", "libLlama2.so"]
                + ["--model", QuantizeTests.demo + "/checkpoint", "--output", output, "--samples", "24"] + words,
            limit: 100
        )
    }

    static func names(in folder: String) -> [String] {
        guard let entries = opendir(folder) else { return [] }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    @Test func killedAndInterruptedGivesTheSameBytes() throws {
        let folder = try TemporaryFolder.folder()
        let model = QuantizeTests.demo + "/checkpoint"
        let whole = try QuantizeTests.quantize(model, to: folder + "/whole", Self.words + ["--samples", "24"])
        try #require(whole.status == 0, "\(whole.errors)")

        let parts = folder + "/not/there/parts"
        // Before the first layer is written, between two layers, and near the end.
        let states = try Self.interrupted(parts, by: "KILL", at: "calibration.1.states")
        #expect(states.status == 128 + SIGKILL, "\(states)")
        let second = try Self.interrupted(parts, by: "INT", at: "model-00002-of-00006.safetensors")
        #expect(
            second.status == 1 && second.errors.contains("interrupted by SIGINT; the same command goes on"),
            "\(second)"
        )
        #expect(!Self.names(in: parts).contains("config.json"))
        let third = try Self.interrupted(parts, by: "KILL", at: "model-00004-of-00006.safetensors")
        #expect(third.status == 128 + SIGKILL, "\(third)")
        #expect(third.errors.contains("going on with model.layers."), "\(third.errors)")
        let last = try QuantizeTests.quantize(model, to: parts, Self.words + ["--samples", "24", "threads=1"])
        #expect(last.status == 0 && last.errors.contains("going on with model.layers."), "\(last)")

        let names = Self.names(in: folder + "/whole")
        #expect(Self.names(in: parts) == names && names.contains("model-00006-of-00006.safetensors"), "\(names)")
        for name in names {
            let compared = try HostProcess.run(
                executable: "/usr/bin/env",
                ["cmp", "\(parts)/\(name)", "\(folder)/whole/\(name)"]
            )
            #expect(compared.status == 0, "\(compared.output)\(compared.errors)")
        }
        let again = try QuantizeTests.quantize(model, to: parts, Self.words + ["--samples", "24"])
        #expect(again.status == 0 && again.output.hasPrefix("complete already"), "\(again)")
        let other = try QuantizeTests.quantize(model, to: parts, Self.words + ["--samples", "23"])
        #expect(other.status == 64 && other.errors.contains("with other settings"), "\(other)")
    }

    /// A disk that is full ends it with a sentence; with room it goes on.
    @Test func aFullDisk() throws {
        let output = try TemporaryFolder.folder() + "/out"
        // A limit on the size of files stands for the disk; the signal that comes with it is ignored.
        func limited(_ blocks: String) throws -> HostProcess.Outcome {
            try HostProcess.run(
                executable: "/bin/bash",
                ["-c", "trap '' XFSZ; ulimit -f \(blocks); exec \"$@\"", "bash", HostProcess.products + "/host"]
                    + ["quantize", "--plugin", "libLlama2.so", "--model", QuantizeTests.golden + "/source"]
                    + ["--output", output, "--scheme", "fp8", "--samples", "6"]
                    + ["--calibration", QuantizeTests.golden + "/calibration.jsonl"]
            )
        }
        let states = try limited("24")
        #expect(states.status == 1 && states.errors.contains("calibration.0.states"), "\(states)")
        let files = try limited("40")
        #expect(files.status == 1 && files.errors.contains(".safetensors.partial: cannot be written"), "\(files)")
        #expect(!Self.names(in: output).contains { $0.hasSuffix(".partial") || $0 == "config.json" })
        // A record of a run whose states are gone is gone before there are new ones, even if these cannot be made.
        let states1 = output + "/calibration.1.states"
        #expect(unlink(output + "/model-00001-of-00003.safetensors") == 0)
        #expect(unlink(states1) == 0 && mkdir(states1, 0o777) == 0)
        try TextFile.write("{\"stage\": 1}", to: output + "/calibration.json")
        let blocked = try limited("unlimited")
        #expect(blocked.status == 1 && blocked.errors.contains("calibration.1.states: cannot be"), "\(blocked)")
        #expect(!Self.names(in: output).contains("calibration.json"))
        #expect(rmdir(states1) == 0)
        let done = try limited("unlimited")
        #expect(done.status == 0, "\(done.errors)")
        #expect(done.errors.contains("model.layers.0 is written, 1 of 2 stages are done, "), "\(done.errors)")
    }
}
