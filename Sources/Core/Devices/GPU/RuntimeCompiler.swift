import CGPU
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
    ) throws(DeviceError) -> [UInt8] {
        let who = "\(plugin): kernel family \(family.name)"
        let kept = Self.cacheFolder.map { "\($0)/\(Self.name(of: family, target: target, kind: kind))" }
        if let kept, let image = Self.read(kept), !image.isEmpty { return image }
        let scratch = try Self.scratchFolder()
        defer { Self.remove(scratch) }
        let (source, output, messages) = (scratch + "/\(family.name).hip", scratch + "/image", scratch + "/messages")
        try Self.write(family.source, to: source)
        let end = try Self.compile(source, family.name, target, kind, output, messages)
        let said = Self.read(messages).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard end == .exited(0), let image = Self.read(output), !image.isEmpty else {
            let how =
                end.map { "the compiler's process ended with \($0)" } ?? "the compiler was stopped after 5 minutes"
            throw .unsupported(
                "\(who) has no code object for \(target), and its source cannot be compiled for it: "
                    + "\(said.isEmpty ? how : said). Choose another device (`host devices`), a compiler that knows \(target) "
                    + "(PODIUM_\(kind == .hip ? "HIPRTC" : "NVRTC")_LIBRARY), or build a code object (`make kernels`)"
            )
        }
        if let kept { Self.keep(image, at: kept) }
        return image
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
        guard let text = read(source) else {
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
            try? write(UnsafeRawBufferPointer(start: said, count: strlen(said)), to: messages)
        }
        guard fine != 0, let image = result.image else { return false }
        do throws(DeviceError) {
            try write(UnsafeRawBufferPointer(start: image, count: Int(result.image_size)), to: output)
            return true
        } catch {
            complain(error.message, to: messages)
            return false
        }
    }

    private static func complain(_ text: String, to messages: String) {
        var text = text
        text.withUTF8 { text in
            do throws(DeviceError) { try write(UnsafeRawBufferPointer(text), to: messages) } catch {}
        }
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

    // MARK: What is kept

    private static var cacheFolder: String? {
        // A path that is not absolute counts as none (XDG Base Directory Specification).
        if let folder = getenv("XDG_CACHE_HOME"), folder.pointee == CChar(UInt8(ascii: "/")) {
            return String(cString: folder) + "/podium/kernels"
        }
        guard let home = getenv("HOME"), home.pointee == CChar(UInt8(ascii: "/")) else { return nil }
        return String(cString: home) + "/.cache/podium/kernels"
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

    /// Writes under a name of its own first, so that nobody reads half a file.
    private static func keep(_ image: [UInt8], at path: String) {
        guard let slash = path.lastIndex(of: "/") else { return }
        var folder = ""
        for part in path[..<slash].split(separator: "/") {
            folder += "/" + part
            mkdir(folder, 0o755)
        }
        var template = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return }
        close(descriptor)
        let unfinished = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let isWritten = image.withUnsafeBytes { bytes in
            do throws(DeviceError) {
                try write(bytes, to: unfinished)
                return true
            } catch {
                return false
            }
        }
        if !isWritten || rename(unfinished, path) != 0 { unlink(unfinished) }
    }

    // MARK: Files

    private static func scratchFolder() throws(DeviceError) -> String {
        let named = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        let base = named.isEmpty ? "/tmp" : named
        var template = Array("\(base)/podium-kernels-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .unsupported("no folder for a compiler under \(base): \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func remove(_ folder: String) {
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { unlink("\(folder)/\(name)") }
        }
        rmdir(folder)
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(DeviceError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw .unsupported("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw .unsupported("\(path) cannot be written: \(String(cString: strerror(errno)))")
            }
            written += count
        }
    }
}
