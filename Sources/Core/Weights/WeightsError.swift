public import CPluginAPI

/// Why weights cannot be declared, found, or loaded.
public struct WeightsError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure, as the contract numbers them.
    public let status: mlp_status
    /// Who declared what, in which file, what was expected and what was found.
    public let message: String

    init(_ status: some FixedWidthInteger, _ message: String) {
        self.status = mlp_status(truncatingIfNeeded: status)
        self.message = message
    }

    init(_ error: DeviceError) {
        status = error.status
        message = error.message
    }

    /// The sentence.
    public var description: String { message }
}
