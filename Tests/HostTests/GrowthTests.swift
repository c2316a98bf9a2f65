import Glibc
import Testing

@testable import Core

/// Tables grow at their end: plugin and host of different releases understand each other, both ways.
@Suite struct GrowthTests {
    private static let include = HostProcess.root + "/Sources/PluginAPI/C/include"

    /// The header of a later release: every table has one function more.
    private static func laterHeader(in folder: String) throws {
        var header = try #require(SettingsReader.read(include + "/mlp_plugin.h"))
        for table in [
            "library", "workload", "plugin", "host", "samples", "device", "launch", "gemm", "pool", "dataset",
            "inference",
            "tokenizer", "accuracy", "weights", "kernels", "quantize",
        ] {
            let ends = ["\n} mlp_\(table);", "\n};"]
            let start = try #require(header.firstRange(of: "struct mlp_\(table) {"), "mlp_\(table)")
            let rest = header[start.upperBound...]
            let found = ends.compactMap { rest.firstRange(of: $0)?.lowerBound }
            let end = try #require(found.min(), "the end of mlp_\(table)")
            header.insert(contentsOf: "\n  void (*added_later)(void);", at: end)
        }
        header = header.replacing("#define MLP_ABI_MINOR ", with: "#define MLP_ABI_MINOR 1u + ")
        try TextFile.write(header, to: folder + "/mlp_plugin.h")
    }

    private static func compile(_ arguments: [String]) throws {
        let outcome = try HostProcess.run(
            executable: "/usr/bin/env",
            ["cc", "-std=c11", "-Wall", "-Werror"] + arguments
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    /// Its tables are longer than this host knows, its minor is newer: the host reads what it knows.
    @Test func aPluginOfALaterRelease() throws {
        let folder = try TemporaryFolder.folder()
        try Self.laterHeader(in: folder)
        let plugin = folder + "/libLater.so"
        try Self.compile([
            "-shared", "-fPIC", "-fvisibility=hidden", "-I", folder, "Tests/Fixtures/EchoC/echo.c", "-o", plugin,
        ])
        let described = try HostProcess.run(["describe", "--json", "--plugin", plugin])
        #expect(described.status == 0 && described.output.contains("\"abi_minor\": 1"), "\(described)")
        try TextFile.write("*.Offline.min_duration = 0\n*.Offline.min_query_count = 1\n", to: folder + "/user.conf")
        let run = try HostProcess.run([
            "--plugin", plugin, "--scenario", "Offline", "--user-conf", folder + "/user.conf", "--output",
            folder + "/run",
        ])
        #expect(run.status == 0, "\(run)")
    }

    /// `MLP_HAS` with a table of an earlier release, of this one and of a later one.
    @Test func tablesOfOtherReleases() throws {
        let folder = try TemporaryFolder.folder()
        try Self.laterHeader(in: folder)
        let program = """
            #include "mlp_plugin.h"
            #include <string.h>
            static void there(void) {}
            int main(void) {
              union { mlp_device table; char bytes[sizeof(mlp_device) + 64]; } longer;
              for (size_t i = 0; i + sizeof(void (*)(void)) <= sizeof longer; i += sizeof(void (*)(void))) {
                void (*function)(void) = there;
                memcpy(longer.bytes + i, &function, sizeof function);
              }
              mlp_device *table = &longer.table;
              int wrong = 0;
              table->struct_size = sizeof longer; /* a later host */
              wrong += !MLP_HAS(table, notify) + !MLP_HAS(table, event_elapsed);
              table->struct_size = offsetof(mlp_device, event_elapsed); /* an earlier one: it has no more than this */
              wrong += !MLP_HAS(table, notify) + MLP_HAS(table, event_elapsed);
              table->struct_size = offsetof(mlp_device, event_elapsed) + 4; /* and none has half a function */
              wrong += MLP_HAS(table, event_elapsed);
              table->struct_size = sizeof *table;
              table->notify = NULL; /* left out by the other side */
              wrong += !MLP_HAS(table, event_elapsed) + MLP_HAS(table, notify);
            #ifdef LATER
              table->struct_size = 168; /* mlp_device in release 1.0 */
              wrong += !MLP_HAS(table, event_elapsed) + MLP_HAS(table, added_later);
              table->struct_size = sizeof *table;
              wrong += !MLP_HAS(table, added_later);
            #endif
              return wrong;
            }

            """
        try TextFile.write(program, to: folder + "/has.c")
        for words in [["-I", Self.include], ["-DLATER", "-I", folder]] {
            try Self.compile(words + [folder + "/has.c", "-o", folder + "/has"])
            let outcome = try HostProcess.run(executable: folder + "/has", [])
            #expect(outcome.status == 0, "\(words): \(outcome.status) answers are wrong")
        }
    }

    /// What a plugin of release 1.0 says of its tables is enough for ever.
    @Test func theFirstReleasesSizesArePinned() throws {
        let layout = try #require(SettingsReader.read(HostProcess.root + "/Sources/PluginAPI/C/layout.c"))
        for (table, size) in [
            ("library", FirstRelease.library), ("workload", FirstRelease.workload), ("plugin", FirstRelease.plugin),
            ("dataset", FirstRelease.dataset), ("inference", FirstRelease.inference),
            ("tokenizer", FirstRelease.tokenizer), ("accuracy", FirstRelease.accuracy),
            ("weights", FirstRelease.weights), ("kernels", FirstRelease.kernels), ("quantize", FirstRelease.quantize),
        ] {
            // The last member of a release ends where the release does: the last line that the table had then.
            #expect(layout.contains("SIZE(mlp_\(table), \(size));"), "mlp_\(table) was \(size) bytes in release 1.0")
        }
    }
}
