public import CPluginAPI

/// Where an instance's results go: the ledger of a run, or the pipe to the process that keeps it.
public protocol ResponseSink: AnyObject, Sendable {
    /// Takes first tokens; any thread.  Returns the first bad one's status.
    func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status
    /// Takes completions; any thread.  Returns the first bad one's status.
    func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status
}
