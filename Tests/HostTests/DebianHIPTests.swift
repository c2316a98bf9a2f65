import Glibc
import JSON
import Testing

@testable import Core

/// Debian's HIP (libamdhip64-5, ROCm 5.2) on a machine without an AMD GPU: found, without a device, and its compiler,
/// which ends its process for targets that it does not know.
///
/// The package takes 190 MB with what it needs, so nothing installs it: where it is absent the cases are not run.
@Suite struct DebianHIPTests {
    private static let library = "libamdhip64.so.5"
    private static let environment = ["PODIUM_HIP_LIBRARY": library, "PODIUM_HIPRTC_LIBRARY": library]

    /// What `host devices` says of HIP with this library; nil, with a line that says why, where it is not there.
    private static func inventory(_ test: String) throws -> JSONField? {
        let outcome = try HostProcess.run(["devices", "--json"], environment: environment)
        #expect(outcome.status == 0, "\(outcome)")
        let runtimes = try JSONField(JSON(parsing: outcome.output, source: "devices"), at: "devices").array()
        let hip = try #require(try runtimes.first { try $0["kind"].string() == "hip" })
        guard (try? hip["library"].string()) != nil else {
            print("golden debian-hip/\(test): not run (no \(library); the package is libamdhip64-5)")
            return nil
        }
        guard try hip["devices"].array().isEmpty else {
            print("golden debian-hip/\(test): not run (this machine has an AMD GPU)")
            return nil
        }
        return hip
    }

    @Test func aMachineWithoutADevice() throws {
        guard let hip = try Self.inventory("no device") else { return }
        #expect(try hip["library"].string() == Self.library)
        #expect(try hip["version"].int() / 10_000_000 == 5, "ROCm 5 counts 10,000,000 for a major version")
        #expect(try hip["problem"].string() == "hip: \(Self.library) sees no device")
        #expect(try hip["compiler"].string().hasPrefix(Self.library))
        let output = try TemporaryFolder.folder() + "/run"
        let run = try HostProcess.run(
            ["--plugin", "libNull.so", "--scenario", "offline", "--device", "hip:0", "--output", output],
            environment: Self.environment
        )
        #expect(run.status == RunStatus.usage.rawValue && run.errors.contains("sees no device"), "\(run)")
    }

    /// hiprtc of ROCm 5.2 aborts for gfx942: that ends a child process, and the error says which kernels have no code.
    @Test func aCompilerThatAborts() throws {
        guard try Self.inventory("gfx942") != nil else { return }
        let cache = try TemporaryFolder.folder()
        let run = try HostProcess.run(
            [
                "--plugin", "libLlama2.so", "--config-path", "Plugins/Llama2/Configs", "--config-name", "demo_offline",
                "--device", "hip:0", "--output", try TemporaryFolder.folder() + "/run",
            ],
            environment: [
                "PODIUM_HIP_LIBRARY": HostProcess.products + "/libFakeDriver.so", "FAKE_GPU": "devices=1,arch=gfx942",
                "PODIUM_HIPRTC_LIBRARY": Self.library, "XDG_CACHE_HOME": cache,
            ]
        )
        #expect(run.status == RunStatus.usage.rawValue, "\(run)")
        #expect(run.errors.contains("kernel family embedding has no code object for gfx942"), "\(run.errors)")
        #expect(run.errors.contains("the compiler's process ended with signal"), "\(run.errors)")
        #expect(QuantizeResumeTests.names(in: cache + "/podium/kernels").isEmpty)
    }
}
