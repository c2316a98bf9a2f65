import CPluginAPI

/// One call of `cancel`, made on another thread.
final class CancelCall: @unchecked Sendable {
    let finished = Semaphore()
    private let table: UnsafePointer<mlp_inference>
    private let plugin: UnsafePointer<mlp_plugin>
    private let ids: [UInt64]

    init(table: UnsafePointer<mlp_inference>, plugin: UnsafePointer<mlp_plugin>, ids: [UInt64]) {
        self.table = table
        self.plugin = plugin
        self.ids = ids
    }

    func make() {
        _ = ids.withUnsafeBufferPointer { table.pointee.cancel(plugin, $0.baseAddress, UInt64($0.count)) }
        finished.signal()
    }
}
