import Glibc
import RunRecords
import Testing

@testable import Core

/// What Ctrl-C does to a run.
@Suite struct InterruptTests {
    /// Starts a run in the background, sends it a signal once its detail log is there, and waits for its end.
    ///
    /// `wholeGroup` sends it as a terminal does, to the child of an isolated run as well.
    private static func interrupted(
        _ arguments: [String],
        into output: String,
        by signal: String,
        waitingFor file: String = "mlperf_log_detail.txt",
        times: Int = 1
    ) throws -> HostProcess.Outcome {
        let script = """
            env --default-signal=INT,TERM "$@" & run=$!
            n=0
            while [ ! -e '\(output)/\(file)' ] && [ $n -lt 300 ]; do n=$((n+1)); sleep 0.05; done
            sleep 0.3
            kill -\(signal) $run
            \(times > 1 ? "sleep 0.3; kill -\(signal) $run" : "")
            wait $run
            status=$?
            sleep 0.2
            for p in /proc/[0-9]*; do
                if tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q '^[^ ]*/host plugin-process' \
                    && tr '\\0' '\\n' <$p/environ 2>/dev/null | grep -qx 'PODIUM_TEST=\(output)'; then
                    echo "a child is left: $p"
                fi
            done
            exit $status
            """
        return try HostProcess.run(
            executable: "/bin/bash",
            ["-c", "set -m\n" + script, "bash", HostProcess.products + "/host"] + arguments + ["--output", output],
            environment: ["PODIUM_TEST": output],
            limit: 60
        )
    }

    /// A Server run of ten minutes.
    private static func arguments(_ more: [String]) -> [String] {
        [
            "--plugin", "libNull.so", "--scenario", "server", "harness_config.target_qps=100",
            "harness_config.duration_sec=600",
        ] + more
    }

    @Test(arguments: [("INT", [], "SIGINT"), ("TERM", ["--isolate"], "SIGTERM"), ("INT", ["--isolate"], "SIGINT")])
    func anInterruptedRunClosesItsLogs(_ signal: String, _ more: [String], _ name: String) throws {
        let output = try TemporaryFolder.folder() + "/run"
        let outcome = try Self.interrupted(Self.arguments(more), into: output, by: signal)
        #expect(outcome.status == 2, "\(outcome.output)\(outcome.errors)")
        #expect(!outcome.output.contains("a child is left"), "\(outcome.output)")
        #expect(outcome.output.contains("The run was interrupted (\(name))."), "\(outcome.output)\(outcome.errors)")
        let record = try RunRecord(folder: output)
        #expect(record.status == .invalid && record.reasons.contains { $0.contains("interrupted") }, "\(record)")
        let summary = SettingsReader.read(output + "/mlperf_log_summary.txt") ?? ""
        #expect(summary.contains("INVALID") && summary.contains("interrupted"), "\(summary)")
        // What was measured is kept.
        let detail = SettingsReader.read(output + "/mlperf_log_detail.txt") ?? ""
        #expect(detail.contains("\"key\": \"num_errors\""))
        let times = try SampleTimes(path: output + "/" + SampleTimes.fileName)
        #expect(times.sampleCount > 0, "\(times.sampleCount) samples are kept")
    }

    @Test func aPluginThatDoesNotReturnIsLeft() throws {
        let output = try TemporaryFolder.folder() + "/run"
        let outcome = try Self.interrupted(
            [
                "--plugin", "libMischief.so", "model_config.sin=issue_hang", "--scenario", "singlestream",
                "--isolate", "harness_config.call_timeout_sec=100",
            ],
            into: output,
            by: "INT",
            times: 2
        )
        // The second signal ends the process at once.
        #expect(outcome.status == 130, "\(outcome.output)\(outcome.errors)")
        #expect(!outcome.output.contains("a child is left"), "\(outcome.output)")
    }

    @Test func beforeTheClockStartsThereIsARecordAndNoResult() throws {
        let output = try TemporaryFolder.folder() + "/run"
        let outcome = try Self.interrupted(
            [
                "--plugin", "libMischief.so", "model_config.sin=prepare_hang", "--scenario", "singlestream",
                "harness_config.prepare_timeout_sec=100",
            ],
            into: output,
            by: "INT",
            waitingFor: "run.json"
        )
        #expect(outcome.status == 2, "\(outcome.output)\(outcome.errors)")
        let record = try RunRecord(folder: output)
        #expect(record.status == .invalid && record.reasons == ["The run was interrupted (SIGINT)."], "\(record)")
        #expect(!record.ended.isEmpty)
    }
}
