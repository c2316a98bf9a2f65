import CPluginAPI
import Glibc
import Testing

@testable import Core

/// Where the code of a kernel family comes from: embedded, beside the plugin, compiled; and what is passed over.
@Suite(.serialized) struct CodeObjectTests {
    /// Compiles whatever it is given into the module that the driver knows.
    private struct Compiler: KernelCompiler {
        func image(
            of family: KernelTable.Family,
            plugin: String,
            target: String,
            kind: DeviceKind
        ) throws(DeviceError) -> CompiledImage {
            CompiledImage(bytes: Array("fake fake_saxpy fake_iota\0".utf8), isKept: false)
        }
    }

    private static let source = "the source"

    private static func folder() throws -> String {
        var template = Array("/tmp/podium-objects-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Loads the driver's kernels for a plugin in a folder, whose object beside it is the file given.
    private func load(
        _ file: [UInt8]?,
        source: String = Self.source,
        hashed: String = Self.source,
        kind: DeviceKind = .hip,
        embedded: String? = nil,
        compiler: (any KernelCompiler)? = Compiler()
    ) throws -> KernelOrigins {
        let folder = try Self.folder()
        defer {
            for name in ["Plugin.kernels/object", "Plugin.kernels"] { remove("\(folder)/\(name)") }
            remove(folder)
        }
        let target = kind == .hip ? "gfx000" : "sm_01"
        let objects = CodeObjectFolder(besides: folder + "/Plugin.so")
        #expect(objects.path == folder + "/Plugin.kernels")
        var written = ""
        if let file {
            try #require(mkdir(objects.path, 0o777) == 0)
            var hashed = hashed
            let hash = hashed.withUTF8 { CodeObjectFolder.hash(of: UnsafeRawBufferPointer($0)) }
            let name = CodeObjectFolder.name(family: "fake_saxpy", target: target, source: hash)
            written = "\(objects.path)/\(name)"
            let output = try #require(fopen(written, "w"))
            fwrite(file, 1, file.count, output)
            fclose(output)
        }
        defer { if !written.isEmpty { remove(written) } }
        FakeDriver.configure("devices=2")
        let backend = try FakeDriver.backend(kind, compiler: compiler)
        let kernels = FakeKernels(
            target: embedded == nil ? nil : target,
            image: embedded ?? "",
            source: source
        )
        let table = try KernelTable(kernels.declared, plugin: folder + "/Plugin.so")
        return try #require(try backend.load(table, devices: [0, 1], objects: objects).origins)
    }

    @Test(arguments: [DeviceKind.hip, .cuda])
    func theObjectBesideThePluginIsTaken(kind: DeviceKind) throws {
        let file = CodeObjectFile(kind: kind, target: kind == .hip ? "gfx000" : "sm_01").bytes
        let origins = try load(file, kind: kind, compiler: nil)
        #expect(origins.families.map(\.place) == [.beside] && origins.notes.isEmpty, "\(origins)")
        let target = kind == .hip ? "gfx000" : "sm_01"
        #expect(origins.sentence == "kernels for \(target): beside the plugin: fake_saxpy")
    }

    @Test func theEmbeddedOneComesFirst() throws {
        let origins = try load(CodeObjectFile().bytes, embedded: "fake fake_saxpy fake_iota")
        #expect(origins.families.map(\.place) == [.embedded] && origins.notes.isEmpty)
    }

    @Test func anObjectOfAnOlderSourceIsNeverTaken() throws {
        let origins = try load(CodeObjectFile().bytes, hashed: "the source of yesterday")
        #expect(origins.families.map(\.place) == [.compiled] && origins.notes.isEmpty, "\(origins)")
    }

    private static let wrong: [(file: [UInt8], reason: String)] = [
        (Array("garbage, and more of it than a header has: ................................".utf8), "not a 64-bit"),
        ([], "not a 64-bit"),
        (CodeObjectFile(target: "gfx950").bytes, "it is for gfx950"),
        (CodeObjectFile(kind: .cuda, target: "sm_1").bytes, "it is for ELF machine 190, not for AMD GPUs"),
        (CodeObjectFile(kernels: ["fake_saxpy"]).bytes, "it has no kernel fake_iota"),
        (Array(CodeObjectFile().bytes.dropLast(64)), "a table ends beyond the file"),
    ]

    @Test(arguments: wrong.indices)
    func whatCannotBeRightIsPassedOver(_ index: Int) throws {
        let (file, reason) = Self.wrong[index]
        let origins = try load(file)
        #expect(origins.families.map(\.place) == [.compiled])
        #expect(
            origins.notes.count == 1 && origins.notes[0].contains("Plugin.kernels/fake_saxpy.gfx000."),
            "\(origins)"
        )
        #expect(origins.notes[0].contains("is passed over: ") && origins.notes[0].contains(reason), "\(origins)")
    }

    @Test func withoutACompilerTheReasonIsKept() throws {
        let origins = try load(CodeObjectFile(target: "gfx950").bytes, compiler: nil)
        #expect(origins.families.map(\.place) == [.none])
        #expect(origins.notes.count == 2 && origins.notes[1].contains("no compiler was found"), "\(origins)")
    }

    /// Every byte of an object may be wrong: the check answers and reads nothing beyond.
    @Test func brokenObjectsAreRead() {
        let whole = CodeObjectFile().bytes
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var file = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                file[Int.random(in: 0..<file.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            file.removeLast(Int.random(in: 0...1, using: &random) * Int.random(in: 0..<file.count, using: &random))
            file.withUnsafeBytes { _ = CodeObject.fault(in: $0, target: "gfx000", kind: .hip, kernels: ["fake_iota"]) }
        }
    }
}
