public import CPluginAPI

/// A plugin broke the contract, or a call into it failed: which library, in which call, why.
public struct PluginFault: Error, CustomStringConvertible, Sendable {
    /// How the call ended.
    public enum Kind: String, Sendable {
        /// The plugin returned a failure, with its reason.
        case failed
        /// The plugin refused what the user gave it: configuration, model or data set.
        case refused
        /// The plugin broke a rule of mlp_plugin.h.
        case contract
        /// The call did not return in time.
        case hang
        /// The plugin's process ended.
        case crash
    }

    /// How the call ended.
    public var kind: Kind
    /// File of the library.
    public var library: String
    /// The function of mlp_plugin.h, such as "prepare" or "dataset.load".
    public var call: String
    /// The status returned, if there was one.
    public var status: mlp_status
    /// What happened, and what to do next where that is known.
    public var reason: String

    init(_ kind: Kind, library: String, call: String, status: mlp_status = mlp_status(MLP_OK), reason: String) {
        self.kind = kind
        self.library = library
        self.call = call
        self.status = status
        self.reason = reason
    }

    /// "libX.so: prepare: why".
    public var description: String { "\(library): \(call): \(reason)" }
}

/// The name of a status, for messages.
func statusName(_ status: mlp_status) -> String {
    switch Int(status) {
    case MLP_OK: "MLP_OK"
    case MLP_INVALID_ARGUMENT: "MLP_INVALID_ARGUMENT"
    case MLP_INVALID_STATE: "MLP_INVALID_STATE"
    case MLP_UNSUPPORTED: "MLP_UNSUPPORTED"
    case MLP_NOT_FOUND: "MLP_NOT_FOUND"
    case MLP_OUT_OF_MEMORY: "MLP_OUT_OF_MEMORY"
    case MLP_DEVICE_ERROR: "MLP_DEVICE_ERROR"
    case MLP_IO_ERROR: "MLP_IO_ERROR"
    case MLP_CANCELLED: "MLP_CANCELLED"
    case MLP_UNKNOWN_SAMPLE: "MLP_UNKNOWN_SAMPLE"
    case MLP_ALREADY_COMPLETE: "MLP_ALREADY_COMPLETE"
    case MLP_INTERNAL: "MLP_INTERNAL"
    default: "status \(status)"
    }
}
