import CPluginAPI
import Synchronization

/// The host as one instance sees it: the `mlp_host` table, the services behind it, and what the instance reported.
final class HostContext: ServiceContext, @unchecked Sendable {
    /// A line that a plugin wrote to the host's log; the levels are those of mlp_plugin.h.
    typealias LogHandler = @Sendable (_ level: Int32, _ message: String) -> Void

    let table: UnsafePointer<mlp_host>
    private let log: LogHandler
    private let failures = Mutex<[String]>([])
    private let misuse = Mutex<[String]>([])
    private let running = Atomic<Bool>(false)
    private let lateResults = Atomic<UInt64>(0)
    private let deviceFailures = Atomic<UInt64>(0)
    private let sinkAddress = Atomic<UInt>(0)

    /// - Parameters:
    ///   - deviceGroup: The devices of the instance's group; nil for a head.
    ///   - log: Where the instance's lines go.
    init(deviceGroup: DeviceGroup?, log: @escaping LogHandler) {
        self.log = log
        let table = UnsafeMutablePointer<mlp_host>.allocate(capacity: 1)
        self.table = UnsafePointer(table)
        super.init(deviceGroup: deviceGroup)
        table.initialize(
            to: mlp_host(
                struct_size: UInt32(MemoryLayout<mlp_host>.size),
                abi_minor: MLP_ABI_MINOR,
                impl: Unmanaged<ServiceContext>.passUnretained(self).toOpaque(),
                name: HostContext.hostName,
                version: HostContext.hostVersion,
                service: { host, id in
                    guard let id, let context = HostContext.of(host) else { return nil }
                    return context.service(String(cString: id))
                },
                log: { host, level, message in
                    guard let message, let context = HostContext.of(host) else { return }
                    context.log(level, String(cString: message))
                },
                fail: { host, status, message in
                    guard let context = HostContext.of(host) else { return status }
                    return context.note(status, message.map { String(cString: $0) } ?? "")
                }
            )
        )
    }

    // The table is never freed: a plugin's thread may still hold it after destroy, and then finds a dead context
    // only if the context's owner let it go, which no owner does before the process ends.

    nonisolated(unsafe) private static let hostName = immortalString("Podium")
    nonisolated(unsafe) private static let hostVersion = immortalString(podiumVersion)

    /// The context behind a table that a plugin hands back.
    @inline(__always)
    static func of(_ host: UnsafePointer<mlp_host>?) -> HostContext? {
        guard let impl = host?.pointee.impl else { return nil }
        return Unmanaged<HostContext>.fromOpaque(impl).takeUnretainedValue()
    }

    private func service(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case MLP_SAMPLES: UnsafeRawPointer(HostContext.samplesTable)
        case MLP_DEVICE: deviceGroup == nil ? nil : UnsafeRawPointer(DeviceServices.device)
        case MLP_LAUNCH: deviceGroup == nil ? nil : UnsafeRawPointer(DeviceServices.launch)
        case MLP_POOL: deviceGroup == nil ? nil : UnsafeRawPointer(DeviceServices.pool)
        case MLP_GEMM: deviceGroup.map { UnsafeRawPointer(DeviceServices.gemm(of: $0)) }
        default: nil
        }
    }

    /// After destroy: gives the devices and their threads back.
    ///
    /// The context itself stays, for late callers.
    func close() {
        deviceGroup?.releaseAll()
        deviceGroup = nil
        pool = nil
    }

    // MARK: Failures

    /// Records what a service refuses to do for the plugin.
    override func recordFailure(_ status: mlp_status, _ message: String) -> mlp_status {
        let misuses = [MLP_INVALID_ARGUMENT, MLP_INVALID_STATE, MLP_NOT_FOUND]
        if misuses.contains(Int(status)) {
            misuse.withLock { list in
                // The last is the plugin's own sentence, and the first is where it began.
                if list.count == 16 { list.remove(at: 8) }
                list.append(message)
            }
        }
        // A plugin's own thread learns the status alone, and what it says is all that the user would see.
        if status == MLP_DEVICE_ERROR, deviceFailures.wrappingAdd(1, ordering: .relaxed).oldValue < 3 {
            log(3, message)
        }
        return note(status, message)
    }

    /// What services refused because the plugin asked for what it may not ask for.
    var serviceMisuses: [String] { misuse.withLock { $0 } }

    /// Records why the current call fails.
    func note(_ status: mlp_status, _ message: String) -> mlp_status {
        failures.withLock { list in
            if list.count < 16 { list.append(message) }
        }
        return status
    }

    /// The reasons recorded since the last call of this function, the plugin's own sentence first.
    func takeFailures() -> String? {
        let list = failures.withLock { list in
            defer { list.removeAll() }
            return list
        }
        guard let last = list.last, !last.isEmpty else { return list.first { !$0.isEmpty } }
        // A plugin that wraps a failed service call reports after the service did: keep both, outermost first.
        let inner = list.dropLast().filter { !$0.isEmpty && !last.contains($0) }
        return inner.isEmpty ? last : last + " (" + inner.joined(separator: "; ") + ")"
    }

    // MARK: Samples

    /// From here on results count; they go to `sink`.
    func beginResults(to sink: any ResponseSink) {
        sinkAddress.store(UInt(bitPattern: Unmanaged.passRetained(SinkBox(sink)).toOpaque()), ordering: .releasing)
        running.store(true, ordering: .releasing)
    }

    /// `stop` has returned: a result that comes now is a breach.
    func endResults() { running.store(false, ordering: .releasing) }

    /// Results that came while the instance was not running.
    var lateResultCount: UInt64 { lateResults.load(ordering: .relaxed) }

    @inline(__always)
    private func sink(for count: UInt64) -> (any ResponseSink)? {
        guard running.load(ordering: .acquiring) else {
            lateResults.wrappingAdd(max(1, count), ordering: .relaxed)
            return nil
        }
        guard let box = UnsafeRawPointer(bitPattern: sinkAddress.load(ordering: .acquiring)) else { return nil }
        return Unmanaged<SinkBox>.fromOpaque(box).takeUnretainedValue().sink
    }

    nonisolated(unsafe) private static let samplesTable: UnsafePointer<mlp_samples> = {
        let table = UnsafeMutablePointer<mlp_samples>.allocate(capacity: 1)
        table.initialize(
            to: mlp_samples(
                struct_size: UInt32(MemoryLayout<mlp_samples>.size),
                reserved: 0,
                first_token: { host, results, count in
                    guard let sink = HostContext.of(host)?.sink(for: count) else {
                        return mlp_status(MLP_INVALID_STATE)
                    }
                    return sink.firstToken(results, count)
                },
                complete: { host, results, count in
                    guard let sink = HostContext.of(host)?.sink(for: count) else {
                        return mlp_status(MLP_INVALID_STATE)
                    }
                    return sink.complete(results, count)
                }
            )
        )
        return UnsafePointer(table)
    }()
}

/// Keeps a sink reachable through one word.
///
/// It is never released: a result may arrive at any later time.
private final class SinkBox {
    let sink: any ResponseSink
    init(_ sink: any ResponseSink) { self.sink = sink }
}

/// A C string that lives as long as the process.
func immortalString(_ text: String) -> UnsafePointer<CChar> {
    let bytes = text.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (index, byte) in bytes.enumerated() { copy[index] = byte }
    return UnsafePointer(copy)
}
