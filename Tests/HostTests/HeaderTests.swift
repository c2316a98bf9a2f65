import Glibc
import Testing

@testable import Core

/// The headers stand alone, as C and as C++, for every compiler that is here.
@Suite struct HeaderTests {
    private static let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    private static let languages = [
        (["cc", "gcc", "clang"], "c", "c11"), (["c++", "g++", "clang++"], "c++", "c++17"),
    ]

    @Test func compileAlone() throws {
        var count = 0
        for (compilers, language, standard) in HeaderTests.languages {
            for compiler in compilers where try HeaderTests.isThere(compiler) {
                for file in ["include/mlp_plugin.h", "include/mlp_drafts.h", "layout.c"] {
                    let outcome = try HostProcess.run(
                        executable: "/usr/bin/env",
                        [compiler, "-x", language, "-std=\(standard)", HeaderTests.assertion(language)]
                            + HeaderTests.warnings
                            + ["-I", "Sources/PluginAPI/C/include", "-include", HeaderTests.header(file), "/dev/null"]
                    )
                    #expect(outcome.status == 0, "\(compiler) -std=\(standard) \(file): \(outcome.errors)")
                    count += 1
                }
            }
        }
        #expect(count >= 6, "no C and C++ compiler is here")
    }

    /// Every member of every struct stands in layout.c with its offset, so that none can move unseen.
    @Test func everyMemberIsPinned() throws {
        let layout = try #require(SettingsReader.read(Self.header("layout.c")))
        var header = try #require(SettingsReader.read(Self.header("include/mlp_plugin.h")))
        while let start = header.firstRange(of: "/*"), let end = header[start.upperBound...].firstRange(of: "*/") {
            header.removeSubrange(start.lowerBound..<end.upperBound)
        }
        var count = 0
        for part in header.split(separator: "struct mlp_").dropFirst() {
            guard let open = part.firstIndex(of: "{"), let end = part.firstIndex(of: "}"),
                part[..<open].allSatisfy({ $0.isLowercase || $0 == "_" || $0 == " " })
            else { continue }
            let name = "mlp_" + part[..<open].filter { $0 != " " }
            var depth = 0
            var members = 0
            for letter in part[open..<end] {
                if letter == "(" { depth += 1 }
                if letter == ")" { depth -= 1 }
                if letter == ";" || letter == "," && depth == 0 { members += 1 }
            }
            let pinned = layout.split(separator: "\n").count { $0.hasPrefix("OFFSET(\(name), ") }
            #expect(pinned == members, "\(name) has \(members) members, layout.c pins \(pinned)")
            #expect(layout.contains("SIZE(\(name), "), "layout.c says nothing of the size of \(name)")
            count += 1
        }
        #expect(count > 30, "only \(count) structs were found")
    }

    /// A header that is the main file warns of its pragmas; included into an empty file it does not.
    private static func header(_ file: String) -> String { HostProcess.root + "/Sources/PluginAPI/C/" + file }

    /// C++ calls the static assertion of layout.c by another name.
    private static func assertion(_ language: String) -> String {
        language == "c++" ? "-D_Static_assert=static_assert" : "-DNDEBUG"
    }

    private static func isThere(_ compiler: String) throws -> Bool {
        try HostProcess.run(executable: "/bin/sh", ["-c", "command -v \(compiler)"]).status == 0
    }
}
