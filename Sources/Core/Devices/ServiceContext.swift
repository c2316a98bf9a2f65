public import CPluginAPI
import Synchronization

/// What the device services know of the instance that calls them.
///
/// The host's own context derives from it.  Its address is `mlp_host.impl`, so that finding it costs one load.
open class ServiceContext: @unchecked Sendable {
    /// The instance's devices, `nil` for a head.
    ///
    /// Set before the plugin is called.
    public final var deviceGroup: DeviceGroup?
    /// The host's threads, `nil` if the instance is given none.
    ///
    /// Set before the plugin is called.
    public final var pool: ThreadPool?

    private let failure = Mutex<String?>(nil)

    /// A context of a group and its threads.
    public init(deviceGroup: DeviceGroup? = nil, pool: ThreadPool? = nil) {
        self.deviceGroup = deviceGroup
        self.pool = pool ?? deviceGroup?.pool
    }

    /// Notes why a call fails and returns `status`, on any thread.
    open func recordFailure(_ status: mlp_status, _ message: String) -> mlp_status {
        failure.withLock { $0 = message }
        return status
    }

    /// The message of the last failure that this class recorded.
    public final var lastFailure: String? { failure.withLock { $0 } }
}

/// The context of the instance that `host` was made for.
@inline(__always)
func serviceContext(of host: UnsafePointer<mlp_host>?) -> Unmanaged<ServiceContext>? {
    guard let impl = host?.pointee.impl else { return nil }
    return Unmanaged<ServiceContext>.fromOpaque(impl)
}
