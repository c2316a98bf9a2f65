public import CPluginAPI

/// Why a device operation failed: a status for the plugin and a sentence for people.
public struct DeviceError: Error, Sendable, CustomStringConvertible {
    /// One of `MLP_INVALID_ARGUMENT`, `MLP_OUT_OF_MEMORY`, ...; never `MLP_OK`.
    public let status: mlp_status
    /// What happened, where, and what to do about it.
    public let message: String

    /// An error with its status and its sentence.
    public init(_ status: some FixedWidthInteger, _ message: String) {
        self.status = mlp_status(truncatingIfNeeded: status)
        self.message = message
    }

    /// The sentence.
    public var description: String { message }

    static func invalidArgument(_ message: String) -> DeviceError { DeviceError(MLP_INVALID_ARGUMENT, message) }
    static func invalidState(_ message: String) -> DeviceError { DeviceError(MLP_INVALID_STATE, message) }
    static func unsupported(_ message: String) -> DeviceError { DeviceError(MLP_UNSUPPORTED, message) }
    static func outOfMemory(_ message: String) -> DeviceError { DeviceError(MLP_OUT_OF_MEMORY, message) }
}
