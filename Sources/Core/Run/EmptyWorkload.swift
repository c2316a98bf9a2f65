import CPluginAPI
import Glibc

/// A workload within this process that completes every sample at once, behind the same tables as any plugin's.
///
/// What a run of it takes is what the host itself takes.
enum EmptyWorkload {
    /// Samples in its data set.
    static let sampleCount: UInt64 = 1024

    private struct State {
        var host: UnsafePointer<mlp_host>
        var samples: UnsafePointer<mlp_samples>
        var results: UnsafeMutablePointer<mlp_result>
    }

    /// Results handed back with one call.
    private static let batch = 64

    /// The library, with its one workload; made once and never freed, as a loaded library is.
    nonisolated(unsafe) static let library: UnsafePointer<mlp_library> = {
        let workload = forever(
            mlp_workload(
                struct_size: UInt32(MemoryLayout<mlp_workload>.size),
                reserved: 0,
                id: text("podium.empty"),
                title: text("Completes every sample at once"),
                version: text("1.0"),
                benchmark: nil,
                options: text("[]"),
                create: { _, host, _, out in EmptyWorkload.create(host, out) }
            )
        )
        return forever(
            mlp_library(
                struct_size: UInt32(MemoryLayout<mlp_library>.size),
                abi_minor: 0,
                workload_count: 1,
                reserved: 0,
                workloads: forever(Optional(workload))
            )
        )
    }()

    private static func forever<Value>(_ value: Value) -> UnsafePointer<Value> {
        let memory = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        memory.initialize(to: value)
        return UnsafePointer(memory)
    }

    private static func text(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private static func create(
        _ host: UnsafePointer<mlp_host>?,
        _ out: UnsafeMutablePointer<UnsafePointer<mlp_plugin>?>?
    ) -> mlp_status {
        guard let host, let out, let service = host.pointee.service(host, MLP_SAMPLES) else {
            return mlp_status(MLP_INVALID_ARGUMENT)
        }
        let results = UnsafeMutablePointer<mlp_result>.allocate(capacity: batch)
        results.initialize(repeating: mlp_result(), count: batch)
        let state = UnsafeMutablePointer<State>.allocate(capacity: 1)
        state.initialize(
            to: State(host: host, samples: service.assumingMemoryBound(to: mlp_samples.self), results: results)
        )
        out.pointee = forever(
            mlp_plugin(
                struct_size: UInt32(MemoryLayout<mlp_plugin>.size),
                reserved: 0,
                impl: UnsafeMutableRawPointer(state),
                extension: { _, id in EmptyWorkload.table(id) },
                prepare: { _ in mlp_status(MLP_OK) },
                start: { _ in mlp_status(MLP_OK) },
                stop: { _ in mlp_status(MLP_OK) },
                destroy: { EmptyWorkload.destroy($0) }
            )
        )
        return mlp_status(MLP_OK)
    }

    private static func state(_ plugin: UnsafePointer<mlp_plugin>?) -> UnsafeMutablePointer<State>? {
        plugin?.pointee.impl?.assumingMemoryBound(to: State.self)
    }

    private static func destroy(_ plugin: UnsafePointer<mlp_plugin>?) {
        guard let plugin, let state = state(plugin) else { return }
        state.pointee.results.deallocate()
        state.deallocate()
        UnsafeMutablePointer(mutating: plugin).deallocate()
    }

    private static func table(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
        guard let id else { return nil }
        if strcmp(id, MLP_DATASET) == 0 { return UnsafeRawPointer(dataset) }
        return strcmp(id, MLP_INFERENCE) == 0 ? UnsafeRawPointer(inference) : nil
    }

    nonisolated(unsafe) private static let dataset: UnsafePointer<mlp_dataset> = forever(
        mlp_dataset(
            struct_size: UInt32(MemoryLayout<mlp_dataset>.size),
            reserved: 0,
            size: { _, total, performance in
                total?.pointee = EmptyWorkload.sampleCount
                performance?.pointee = EmptyWorkload.sampleCount
                return mlp_status(MLP_OK)
            },
            load: { _, _, _ in mlp_status(MLP_OK) },
            unload: { _, _, _ in mlp_status(MLP_OK) },
            payload: { _, _, bytes, tokens in
                bytes?.pointee = mlp_bytes(data: nil, size: 0)
                tokens?.pointee = 0
                return mlp_status(MLP_OK)
            }
        )
    )

    nonisolated(unsafe) private static let inference: UnsafePointer<mlp_inference> = forever(
        mlp_inference(
            struct_size: UInt32(MemoryLayout<mlp_inference>.size),
            claims: 0,
            warm_up: { _ in mlp_status(MLP_OK) },
            issue: { EmptyWorkload.issue($0, $1, $2) },
            flush: { _ in mlp_status(MLP_OK) },
            cancel: { _, _, _ in mlp_status(MLP_OK) }
        )
    )

    private static func issue(
        _ plugin: UnsafePointer<mlp_plugin>?,
        _ queries: UnsafePointer<mlp_query>?,
        _ count: UInt64
    ) -> mlp_status {
        guard let state = state(plugin), let queries else { return mlp_status(MLP_INVALID_ARGUMENT) }
        var start = 0
        while start < Int(count) {
            let part = min(batch, Int(count) - start)
            for offset in 0..<part {
                state.pointee.results[offset].id = queries[start + offset].id
            }
            _ = state.pointee.samples.pointee.complete(state.pointee.host, state.pointee.results, UInt64(part))
            start += part
        }
        return mlp_status(MLP_OK)
    }
}
