import Glibc
import JSON
import RunRecords
import Testing

@testable import Core

/// Model and data set are compared with a manifest before a run.
@Suite struct ResourceTests {
    /// RFC 1321, appendix A.5, and lengths around the block's, from md5sum.
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (String(repeating: "1234567890", count: 8), "57edf4a22be3c955ac49da2e2107b67a"),
        (String(repeating: "a", count: 55), "ef1772b6dff9a122358552954ad0df65"),
        (String(repeating: "a", count: 56), "3b0c8ac703f828b04c6c197006d17218"),
        (String(repeating: "a", count: 64), "014842d480b571495a4a0363793f7367"),
    ])
    func md5(_ text: String, _ digest: String) {
        let bytes = Array(text.utf8)
        for piece in [1, 7, 64, 1000] {
            var md5 = MD5()
            var sha = SHA256()
            for start in stride(from: 0, to: bytes.count, by: piece) {
                bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes {
                    md5.update($0)
                    sha.update($0)
                }
            }
            var whole = SHA256()
            whole.update(bytes)
            #expect(md5.hexadecimal() == digest)
            #expect(sha.hexadecimal() == whole.hexadecimal())
        }
    }

    private static func folder() throws -> (root: String, model: String, data: String) {
        let root = try TemporaryFolder.folder()
        mkdir(root + "/model", 0o777)
        try TextFile.write("{}", to: root + "/model/config.json")
        try TextFile.write(String(repeating: "w", count: 3_000_000), to: root + "/model/weights.bin")
        try TextFile.write("{\"input_ids\": [1]}\n", to: root + "/data.jsonl")
        return (root, root + "/model", root + "/data.jsonl")
    }

    @Test func aManifestOfWhatIsThereMatchesUntilSomethingChanges() throws {
        let (root, model, data) = try Self.folder()
        let manifest = root + "/manifest.json"
        try TextFile.write(try ResourceListing(model: model, dataset: data) { _ in }.json.text(), to: manifest)
        let checker = ResourceChecker(model: model, dataset: data, cachePath: root + "/cache/hashes.json")
        #expect(try checker.check(manifest) == ResourceCheck(manifest: manifest, checkedFiles: 3, mismatches: []))
        // One byte, the size as before.
        try TextFile.write("[]", to: model + "/config.json")
        var found = try checker.check(manifest).mismatches
        #expect(found.count == 1 && found[0].contains("config.json: sha256 is 4f53cda18c2baa0c"), "\(found)")
        unlink(model + "/weights.bin")
        found = try checker.check(manifest).mismatches
        #expect(found.count == 2 && found[1].contains("weights.bin is missing"), "\(found)")
        try TextFile.write("{\"input_ids\": [1, 2]}\n", to: data)
        #expect(try checker.check(manifest).mismatches.last?.contains("has 22 bytes, 19 in the manifest") == true)
        let other = ResourceChecker(model: model, dataset: nil)
        #expect(
            try other.check(manifest).mismatches.last == "dataset: the manifest lists ., and the run has no dataset"
        )
    }

    @Test func anUnchangedFileIsNotReadAgain() throws {
        let (root, model, _) = try Self.folder()
        let weights = model + "/weights.bin"
        let cache = root + "/hashes.json"
        // Old enough that a later change shows in its time.
        var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 5), timespec(tv_sec: 1_000_000_000, tv_nsec: 5)]
        #expect(utimensat(AT_FDCWD, weights, &times, 0) == 0)
        let identity = try #require(FileIdentity(path: weights))
        var known = HashCache(path: cache)
        known.remember("sha256", "abc", of: weights, identity)
        known.save()
        #expect(HashCache(path: cache).hash("sha256", of: weights, identity) == "abc")
        #expect(HashCache(path: cache).hash("md5", of: weights, identity) == nil)
        // Another time of change: read again.
        times[1].tv_nsec = 6
        #expect(utimensat(AT_FDCWD, weights, &times, 0) == 0)
        let changed = try #require(FileIdentity(path: weights))
        #expect(HashCache(path: cache).hash("sha256", of: weights, changed) == nil)
        // A file of this moment is not remembered.
        try TextFile.write("new", to: weights)
        var young = HashCache(path: cache)
        let now = try #require(FileIdentity(path: weights))
        young.remember("sha256", "def", of: weights, now)
        #expect(young.hash("sha256", of: weights, now) == nil)
        // A cache that is no cache is an empty one.
        try TextFile.write("not JSON", to: cache)
        #expect(HashCache(path: cache).hash("sha256", of: weights, identity) == nil)
    }

    @Test(arguments: [
        ("[]", "object"), ("{\"format\": 1}", "files"),
        ("{\"format\": 1, \"files\": [{\"root\": \"model\", \"path\": \"../x\", \"md5\": \"00\"}]}", "root"),
        ("{\"format\": 1, \"files\": [{\"root\": \"model\", \"path\": \"x\", \"md5\": \"00\"}]}", "32 hexadecimal"),
        ("{\"format\": 1, \"files\": [{\"root\": \"model\", \"path\": \"x\"}]}", "no hash"),
        ("{\"format\": 1, \"files\": [{\"root\": \"disk\", \"path\": \"x\"}]}", "root"),
    ])
    func aBadManifestIsAnError(_ content: String, _ says: String) throws {
        let path = try TemporaryFolder.folder() + "/manifest.json"
        try TextFile.write(content, to: path)
        let error = #expect(throws: ConfigError.self) { try ResourceManifest(path: path) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(says), "\(text)")
    }

    @Test func theSourceOfAConvertedDataSetIsCompared() throws {
        let root = try TemporaryFolder.folder()
        let wanted = "5fe8be0a7ce5c3c9a028674fd24b00d5"
        let manifest = root + "/manifest.json"
        try TextFile.write(
            "{\"format\": 1, \"files\": [{\"root\": \"dataset\", \"path\": \"dataset.json\", \"source_md5\": \"\(wanted)\"}]}",
            to: manifest
        )
        let checker = ResourceChecker(model: nil, dataset: root)
        try TextFile.write("{\"source\": {\"md5\": \"\(wanted)\"}}", to: root + "/dataset.json")
        #expect(try checker.check(manifest).mismatches.isEmpty)
        try TextFile.write("{\"source\": {\"md5\": null}}", to: root + "/dataset.json")
        #expect(try checker.check(manifest).mismatches.count == 1)
    }

    @Test func aRunStatesWhatItFound() throws {
        let (root, model, data) = try Self.folder()
        let manifest = root + "/manifest.json"
        try TextFile.write(try ResourceListing(model: model, dataset: data) { _ in }.json.text(), to: manifest)
        let conf = root + "/user.conf"
        try TextFile.write("*.*.min_duration = 0\n*.*.min_query_count = 100\n", to: conf)
        func run(_ more: String...) throws -> (HostProcess.Outcome, RunRecord) {
            let outcome = try HostProcess.run(
                [
                    "--plugin", "libNull.so", "--scenario", "singlestream", "--user-conf", conf, "--model", model,
                    "--dataset", data, "--resource-manifest", manifest, "--output", root + "/run",
                    "harness_config.resource_cache=\(root)/cache.json",
                ] + more
            )
            return (outcome, try RunRecord(folder: root + "/run"))
        }
        var (outcome, record) = try run()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(record.isForSubmission && record.resources?.checkedFiles == 3 && record.resources?.mismatches == [])
        try TextFile.write("[]", to: model + "/config.json")
        (outcome, record) = try run()
        #expect(outcome.status == 0 && outcome.errors.contains("config.json: sha256 is"), "\(outcome.errors)")
        #expect(record.status == .valid && !record.isForSubmission && record.resources?.mismatches.count == 1)
        #expect(record.submissionObstacles == ["Model or data set differ from \(manifest)."])
        (outcome, record) = try run("harness_config.resource_checker_abort_on_failure=true")
        #expect(outcome.status == 64 && record.status == .failed && !record.isForSubmission, "\(outcome.errors)")
        #expect(access(root + "/run/mlperf_log_summary.txt", F_OK) != 0)
    }

    /// The demo's manifest was made by `host manifest`; sha256sum says the same.
    @Test func theDemosManifestHolds() throws {
        let demo = HostProcess.root + "/Plugins/Llama2/Demo"
        let checker = ResourceChecker(model: demo + "/checkpoint", dataset: demo + "/prompts.jsonl")
        let found = try checker.check(demo + "/manifest.json")
        #expect(found.mismatches.isEmpty && found.checkedFiles == 9, "\(found)")
        let manifest = try ResourceManifest(path: demo + "/manifest.json")
        let weights = manifest.entries.first { $0.path == "model.safetensors" }
        #expect(weights?.sha256 == "6effeba015165ac34f385a043edf6fda4706c6e4f67cd051591c269fe06dd394")
    }
}
