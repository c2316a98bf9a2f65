public import CPluginAPI
import JSON

/// Builds the table that `mlp_library_v1` returns.  Call it once, for a global constant:
///
///     nonisolated(unsafe) private let library = makeLibrary(Echo.self)
///     @c public func mlp_library_v1() -> UnsafePointer<mlp_library>? { library }
public func makeLibrary(_ workloads: any Workload.Type...) -> UnsafePointer<mlp_library> {
    let list = UnsafeMutablePointer<UnsafePointer<mlp_workload>?>.allocate(capacity: workloads.count)
    for (index, type) in workloads.enumerated() {
        (list + index).initialize(to: WorkloadRecord.make(type))
    }
    let library = UnsafeMutablePointer<mlp_library>.allocate(capacity: 1)
    library.initialize(
        to: mlp_library(
            struct_size: UInt32(MemoryLayout<mlp_library>.size),
            abi_minor: MLP_ABI_MINOR,
            workload_count: UInt32(workloads.count),
            reserved: 0,
            workloads: list
        )
    )
    return UnsafePointer(library)
}

/// A workload's table with the Swift type behind it: `create` gets the table's address and finds the type there.
private struct WorkloadRecord {
    var table: mlp_workload
    var type: any Workload.Type

    static func make(_ type: any Workload.Type) -> UnsafePointer<mlp_workload> {
        let declaration = type.declaration
        let options = JSON.array(declaration.options.map { JSON.object($0.fields) }).text()
        let record = UnsafeMutablePointer<WorkloadRecord>.allocate(capacity: 1)
        record.initialize(
            to: WorkloadRecord(
                table: mlp_workload(
                    struct_size: UInt32(MemoryLayout<mlp_workload>.size),
                    reserved: 0,
                    id: immortal(declaration.id),
                    title: immortal(declaration.title),
                    version: immortal(declaration.version),
                    benchmark: declaration.benchmark.flatMap(immortal),
                    options: immortal(options),
                    create: { table, host, config, out in
                        guard let table, let host, let out else { return .invalidArgument }
                        let services = Host(host)
                        return services.reporting {
                            let type = UnsafeRawPointer(table).assumingMemoryBound(to: WorkloadRecord.self).pointee.type
                            let configuration = try Configuration(json: config)
                            let workload = try type.init(host: services, configuration: configuration)
                            out.pointee = try Instance(host: services, workload: workload).publish()
                        }
                    }
                ),
                type: type
            )
        )
        return UnsafeRawPointer(record).assumingMemoryBound(to: mlp_workload.self)
    }
}

/// A C string that lives as long as the process; libraries are never unloaded.
func immortal(_ text: String) -> UnsafePointer<CChar>? {
    var text = text
    return text.withUTF8 { bytes in
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
        copy[bytes.count] = 0
        return UnsafePointer(copy)
    }
}

extension Host {
    /// Runs `body`; a thrown error becomes a recorded reason and a status.
    @inline(__always)
    func reporting(_ body: () throws -> Void) -> mlp_status {
        do {
            try body()
            return .ok
        } catch let error as PluginError {
            return table.pointee.fail(table, error.status == .ok ? .internalError : error.status, error.message)
        } catch {
            return table.pointee.fail(table, .internalError, "\(error)")
        }
    }
}
