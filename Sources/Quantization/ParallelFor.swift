/// Runs `body` once for each number below `count`, on whatever threads there are, and returns when all are done.
///
/// A plugin hands in the host's pool; results never depend on it.
public typealias ParallelFor = (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

/// All of it in the calling thread.
///
/// - Parameters:
///   - count: How often.
///   - body: What to run.
public func inSequence(_ count: Int, _ body: @Sendable (Int) -> Void) {
    for index in 0..<count { body(index) }
}
