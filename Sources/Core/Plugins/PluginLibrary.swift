import CPlatform
import CPluginAPI
import Glibc
import JSON

/// A plugin library in this process: found, loaded, and its tables checked.
///
/// It is never unloaded, because unloading Swift code leaves dangling runtime records.
public final class PluginLibrary: @unchecked Sendable {
    /// The file as it was found.
    public let path: String
    /// What the library says of its workloads.
    public let workloads: [WorkloadDescription]
    /// The minor version of the contract that it was built against.
    public let abiMinor: UInt32
    let tables: [UnsafePointer<mlp_workload>]

    /// Loads a library.
    ///
    /// - Parameter name: A path, or a bare name ("libLlama2.so"), which is looked for beside the executable first and
    ///   then as the dynamic linker does.
    /// - Throws: `PluginFault` if it cannot be loaded, exports no entry, or its tables break the contract.
    public init(named name: String) throws {
        let found = try PluginLibrary.locate(name)
        let before = ProcessState()
        guard let handle = dlopen(found, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            let reason = dlerror().map { String(cString: $0) } ?? "dlopen failed without a reason"
            throw PluginFault(.refused, library: name, call: "dlopen", reason: reason)
        }
        guard let symbol = dlsym(handle, "mlp_library_v1") else {
            throw PluginFault(
                .contract,
                library: found,
                call: "mlp_library_v1",
                reason: "the library does not export mlp_library_v1; it is no plugin, or one of another major version"
            )
        }
        path = found.contains("/") ? found : PluginLibrary.file(of: symbol) ?? found
        typealias Entry = @convention(c) () -> UnsafePointer<mlp_library>?
        let entry = unsafeBitCast(symbol, to: Entry.self)
        guard let library = entry() else {
            throw PluginFault(.contract, library: path, call: "mlp_library_v1", reason: "it returned NULL")
        }
        try LoadedInstance.check(before, library: path, call: "mlp_library_v1")
        (abiMinor, tables, workloads) = try PluginLibrary.contents(library, path: path)
    }

    /// A library that is part of this process.
    ///
    /// - Parameters:
    ///   - library: Its table, valid for ever.
    ///   - name: What to call it.
    /// - Throws: `PluginFault` if its tables break the contract.
    init(embedded library: UnsafePointer<mlp_library>, name: String) throws {
        path = name
        (abiMinor, tables, workloads) = try PluginLibrary.contents(library, path: name)
    }

    private static func contents(
        _ library: UnsafePointer<mlp_library>,
        path: String
    ) throws -> (abiMinor: UInt32, tables: [UnsafePointer<mlp_workload>], workloads: [WorkloadDescription]) {
        let tables = try PluginLibrary.check(library, path: path)
        var workloads: [WorkloadDescription] = []
        for (index, table) in tables.enumerated() {
            let workload = try WorkloadDescription(table, position: index, library: path)
            if workloads.contains(where: { $0.id == workload.id }) {
                throw PluginFault(
                    .contract,
                    library: path,
                    call: "mlp_library_v1",
                    reason: "two workloads have the id \"\(workload.id)\""
                )
            }
            workloads.append(workload)
        }
        return (library.pointee.abi_minor, tables, workloads)
    }

    private static func locate(_ name: String) throws -> String {
        if name.isEmpty {
            throw PluginFault(.refused, library: "--plugin", call: "dlopen", reason: "no library is named")
        }
        if name.contains("/") {
            guard access(name, F_OK) == 0 else {
                throw PluginFault(
                    .refused,
                    library: name,
                    call: "dlopen",
                    reason: "no such file; build it first, or give a bare name to look beside the host"
                )
            }
            return name
        }
        let beside = executableFolder() + "/" + name
        return access(beside, F_OK) == 0 ? beside : name
    }

    /// Where the dynamic linker found a library that was named without a folder.
    private static func file(of symbol: UnsafeMutableRawPointer) -> String? {
        podium_library_file(symbol).map { String(cString: $0) }
    }

    private static func check(
        _ library: UnsafePointer<mlp_library>,
        path: String
    ) throws -> [UnsafePointer<mlp_workload>] {
        func broken(_ reason: String) -> PluginFault {
            PluginFault(.contract, library: path, call: "mlp_library_v1", reason: reason)
        }
        let size = Int(library.pointee.struct_size)
        guard size >= FirstRelease.library else {
            throw broken("mlp_library.struct_size is \(size), below \(FirstRelease.library)")
        }
        let count = Int(library.pointee.workload_count)
        guard (1...1024).contains(count) else {
            throw broken("mlp_library.workload_count is \(count); expected 1 to 1024")
        }
        guard let list = library.pointee.workloads else { throw broken("mlp_library.workloads is NULL") }
        return try (0..<count).map { index in
            guard let table = list[index] else { throw broken("workload \(index) is NULL") }
            return table
        }
    }
}

/// What a library says of a workload before any instance exists.
public struct WorkloadDescription: Sendable {
    /// Unique within the library.
    public let id: String
    /// A line for people.
    public let title: String
    /// The workload's own version.
    public let version: String
    /// MLPerf's name for the benchmark, if it is one.
    public let benchmark: String?
    /// The declared options, as JSON text.
    public let options: String

    init(_ table: UnsafePointer<mlp_workload>, position: Int, library: String) throws {
        func broken(_ reason: String) -> PluginFault {
            PluginFault(.contract, library: library, call: "mlp_library_v1", reason: "workload \(position): \(reason)")
        }
        let size = Int(table.pointee.struct_size)
        guard size >= FirstRelease.workload else {
            throw broken("mlp_workload.struct_size is \(size), below \(FirstRelease.workload)")
        }
        func text(_ pointer: UnsafePointer<CChar>?, _ field: String) throws -> String {
            guard let pointer else { throw broken("\(field) is NULL") }
            guard let text = String(validatingCString: pointer) else { throw broken("\(field) is not UTF-8") }
            return text
        }
        id = try text(table.pointee.id, "id")
        guard !id.isEmpty, id.utf8.count <= 256 else { throw broken("id is empty or longer than 256 bytes") }
        title = try text(table.pointee.title, "title")
        version = try text(table.pointee.version, "version")
        benchmark = try table.pointee.benchmark.map { try text($0, "benchmark") }
        options = try table.pointee.options.map { try text($0, "options") } ?? "[]"
        let parsed: JSON
        do {
            parsed = try JSON(parsing: options, source: "options of \(id)")
        } catch {
            throw broken("options: \(error)")
        }
        guard case .array = parsed else { throw broken("options is not a JSON array") }
        guard table.pointee.create != nil else { throw broken("create is NULL") }
    }
}

/// The folder of the running executable.
func executableFolder() -> String {
    let path = executablePath()
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
}

/// The running executable.
func executablePath() -> String {
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer -> String? in
        guard let base = buffer.baseAddress else { return nil }
        let length = readlink("/proc/self/exe", base, buffer.count)
        guard length > 0 else { return nil }
        return String(decoding: UnsafeRawBufferPointer(buffer)[..<length], as: UTF8.self)
    }
    return text ?? CommandLine.arguments.first ?? "host"
}
