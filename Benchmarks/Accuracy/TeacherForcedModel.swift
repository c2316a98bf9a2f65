import CPluginAPI
import JSON
import Kernels

/// One form of a model behind the plugin's tables, led along given texts: whatever token the model chooses, the text's own
/// token is the one that it goes on with.
final class TeacherForcedModel {
    private let host = TestHost()
    private let plugin: LoadedPlugin
    private let path = ForcedPath()
    private var documents = 0

    /// Loads a checkpoint and starts the plugin.
    ///
    /// - Parameters:
    ///   - folder: The checkpoint.
    ///   - activations: `exact` or `fast`.
    ///   - cache: `auto`, `f32`, `bf16` or `fp8`.
    ///   - context: The longest document in tokens, the first one included.
    /// - Throws: `LoadedPlugin.Failure`, or an error of the checkpoint's files.
    init(folder: String, activations: String, cache: String, context: Int) throws {
        plugin = try LoadedPlugin(
            host: host,
            role: "worker",
            model: folder,
            options: [
                ("max_new_tokens", JSON(context)), ("stop_at_eos", true), ("max_batch", 1),
                ("activations", .string(activations)), ("kv_cache", .string(cache)),
            ]
        )
        try plugin.prepare()
        try plugin.start()
        host.tap = { [path] kernel, arguments in
            if kernel == PODIUM_ARGMAX { path.advance(arguments) }
        }
    }

    deinit { try? plugin.stop() }

    /// Begins with the first token of a document; ``logits()`` waits for the end.
    ///
    /// - Parameter tokens: The document from its first token to the one that ends a text.
    /// - Throws: `LoadedPlugin.Failure` when the plugin refuses the document.
    func begin(_ tokens: [Int32]) throws {
        path.tokens = tokens
        path.position = 0
        path.logits.removeAll(keepingCapacity: true)
        documents += 1
        try plugin.issue([Array(tokens.prefix(1))])
    }

    /// The logits after each token but the last.
    ///
    /// - Returns: [tokens - 1, vocabulary].
    /// - Throws: `LoadedPlugin.Failure` when the plugin did not go through the whole document.
    func logits() throws -> [Float] {
        guard host.wait(completions: documents, seconds: 600), path.position == path.tokens.count - 1 else {
            throw LoadedPlugin.Failure(
                call: "issue",
                status: 0,
                reason: "document \(documents) ended after \(path.position) tokens: \(host.reason)"
            )
        }
        return path.logits
    }
}

/// Where a document stands.
///
/// The engine's thread advances it between `issue` and the completion, which the host's lock orders.
private final class ForcedPath: @unchecked Sendable {
    var tokens: [Int32] = []
    var position = 0
    var logits: [Float] = []

    /// Keeps the logits of a step and replaces the token that was chosen.
    func advance(_ arguments: LaunchArguments) {
        guard position + 1 < tokens.count, let chosen = arguments.ints(0) else { return }
        logits += UnsafeBufferPointer(start: arguments.floats(1), count: Int(arguments.int(4)))
        position += 1
        chosen[0] = tokens[position]
    }
}
