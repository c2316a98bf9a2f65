import CGPU
import Files
import Glibc
import RunRecords
import Synchronization

/// Compiles HIP source with hiprtc or NVRTC in a child process, and keeps what comes out by content.
///
/// A child, because a compiler that meets a target it does not know may abort its process. What it made is kept under
/// the user's cache folder by the hash of source and target; deleting it is always safe.
final class RuntimeCompiler: KernelCompiler {
    /// How long a compiler may take for one family.
    private static let secondsAllowed = 300.0

    func image(
        of family: KernelTable.Family,
        plugin: String,
        target: String,
        kind: DeviceKind
    ) throws(DeviceError) -> CompiledImage {
        let who = "\(plugin): kernel family \(family.name)"
        let kept = CacheFolder.path("kernels/\(Self.name(of: family, target: target, kind: kind))")
        if let kept, let image = try? WholeFile.read(kept), !image.isEmpty {
            return CompiledImage(bytes: image, isKept: true)
        }
        let scratch: String
        do throws(FileError) {
            scratch = try Folder.makeTemporary("podium-kernels")
            try WholeFile.write(family.source, to: "\(scratch)/source.hip")
        } catch {
            throw .unsupported("\(who) cannot be compiled for \(target): \(error)")
        }
        defer { Folder.removeWithFiles(scratch) }
        let (source, output, messages) = (scratch + "/source.hip", scratch + "/image", scratch + "/messages")
        let end = try Self.compile(source, family.name, target, kind, output, messages)
        let said = (try? WholeFile.read(messages)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard end == .exited(0), let image = try? WholeFile.read(output), !image.isEmpty else {
            let how =
                end.map { "the compiler's process ended with \($0)" } ?? "the compiler was stopped after 5 minutes"
            throw .unsupported(
                "\(who) has no code object for \(target), and its source cannot be compiled for it: "
                    + "\(said.isEmpty ? how : said). Choose another device (`host devices`), a compiler that knows \(target) "
                    + "(PODIUM_\(kind == .hip ? "HIPRTC" : "NVRTC")_LIBRARY), or build a code object (`make kernels`)"
            )
        }
        // What cannot be kept is made again the next time.
        if let kept {
            image.withUnsafeBytes { image in
                do throws(FileError) {
                    try Folder.make(Folder.parent(of: kept), permissions: 0o700)
                    try WholeFile.write(image, to: kept, isShared: true)
                } catch {}
            }
        }
        return CompiledImage(bytes: image, isKept: false)
    }

    /// The child's work: compiles one file.
    ///
    /// - Parameters:
    ///   - source: Path of the source.
    ///   - name: What it is called in messages.
    ///   - target: `gfx950`, `sm_90`.
    ///   - kind: Whose compiler.
    ///   - output: Path of the image.
    ///   - messages: Path of what the compiler says.
    /// - Returns: Whether there is an image.
    static func compileFile(
        _ source: String,
        name: String,
        target: String,
        kind: DeviceKind,
        output: String,
        messages: String
    ) -> Bool {
        guard let text = try? WholeFile.read(source) else {
            complain("\(source) cannot be read", to: messages)
            return false
        }
        var result = podium_rtc_result()
        defer { podium_rtc_release(&result) }
        let library = GPULibraries.compiler(kind)
        let fine = (text + [0]).withUnsafeBufferPointer { text in
            text.withMemoryRebound(to: CChar.self) { text in
                podium_rtc_compile(
                    kind == .hip ? PODIUM_GPU_HIP : PODIUM_GPU_CUDA,
                    library,
                    text.baseAddress,
                    name,
                    target,
                    &result
                )
            }
        }
        if let said = result.messages {
            try? WholeFile.write(UnsafeRawBufferPointer(start: said, count: strlen(said)), to: messages)
        }
        guard fine != 0, let image = result.image else { return false }
        do throws(FileError) {
            try WholeFile.write(UnsafeRawBufferPointer(start: image, count: Int(result.image_size)), to: output)
            return true
        } catch {
            complain(error.description, to: messages)
            return false
        }
    }

    private static func complain(_ text: String, to messages: String) {
        try? WholeFile.write(text, to: messages)
    }

    private static func compile(
        _ source: String,
        _ name: String,
        _ target: String,
        _ kind: DeviceKind,
        _ output: String,
        _ messages: String
    ) throws(DeviceError) -> ChildProcess.End? {
        do {
            let child = try ChildProcess(
                executable: "/proc/self/exe",
                arguments: ["host", "compile-kernels", kind.word, target, name, source, output, messages],
                descriptors: []
            )
            guard let end = child.wait(within: secondsAllowed) else {
                child.kill()
                _ = child.wait(within: 10)
                return nil
            }
            return end
        } catch {
            throw .unsupported("kernels cannot be compiled: \(error)")
        }
    }

    /// The compiler's version is part of the name: another one may make better code.
    private static func name(of family: KernelTable.Family, target: String, kind: DeviceKind) -> String {
        var found = podium_rtc_compiler()
        var problem = [CChar](repeating: 0, count: 512)
        let wanted = kind == .hip ? PODIUM_GPU_HIP : PODIUM_GPU_CUDA
        _ = podium_rtc_find(wanted, GPULibraries.compiler(kind), &found, &problem, UInt64(problem.count))
        var hash = SHA256()
        hash.update(family.source)
        hash.update("\(optionsVersion) \(target) \(found.major).\(found.minor) ".utf8)
        withUnsafeBytes(of: found.library) { hash.update($0.prefix { $0 != 0 }) }
        return "\(target)-\(hash.hexadecimal()).co"
    }

    /// Changes with the options that `podium_rtc_compile` gives.
    private static let optionsVersion = 2
}
