public import CPluginAPI

/// A failure that crosses the boundary: a status for the machine and a sentence for the reader.
///
/// Any other error thrown by a plugin crosses as `MLP_INTERNAL` with its description.
public struct PluginError: Error, CustomStringConvertible, Sendable {
    /// What kind of failure it is (`MLP_INVALID_ARGUMENT`, `MLP_IO_ERROR`, ...).
    public var status: mlp_status
    /// What happened, where, and what to do next.
    public var message: String

    /// A failure with its status and sentence.
    public init(_ status: mlp_status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}

/// The imported enumeration constants are `Int`; statuses are `Int32`.
extension mlp_status {
    /// Success.
    public static var ok: mlp_status { mlp_status(MLP_OK) }
    /// An argument is not what the contract allows.
    public static var invalidArgument: mlp_status { mlp_status(MLP_INVALID_ARGUMENT) }
    /// The call does not fit the instance's state or the calling thread.
    public static var invalidState: mlp_status { mlp_status(MLP_INVALID_STATE) }
    /// A legal wish that this plugin or host cannot fulfil.
    public static var unsupported: mlp_status { mlp_status(MLP_UNSUPPORTED) }
    /// The thing named does not exist.
    public static var notFound: mlp_status { mlp_status(MLP_NOT_FOUND) }
    /// Not enough host or device memory.
    public static var outOfMemory: mlp_status { mlp_status(MLP_OUT_OF_MEMORY) }
    /// The device or its driver reported an error.
    public static var deviceError: mlp_status { mlp_status(MLP_DEVICE_ERROR) }
    /// A file could not be read or written, or its content is not what it claims to be.
    public static var ioError: mlp_status { mlp_status(MLP_IO_ERROR) }
    /// The sample was cancelled before it had a result.
    public static var cancelled: mlp_status { mlp_status(MLP_CANCELLED) }
    /// The id was never issued, or belongs to an earlier run.
    public static var unknownSample: mlp_status { mlp_status(MLP_UNKNOWN_SAMPLE) }
    /// The sample completed before.
    public static var alreadyComplete: mlp_status { mlp_status(MLP_ALREADY_COMPLETE) }
    /// A defect of the side that reports it.
    public static var internalError: mlp_status { mlp_status(MLP_INTERNAL) }
}
