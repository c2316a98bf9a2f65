import CPluginAPI
import PluginAPI

/// Says why samples were refused, without flooding the log when a whole data set does not fit.
final class RefusalLog {
    private static let most = 20
    private let host: Host
    private var count = 0

    init(host: Host) { self.host = host }

    func note(_ query: mlp_query, _ reason: String) {
        count += 1
        guard count <= Self.most else { return }
        host.log(.error, "sample \(query.index): \(reason)")
        if count == Self.most { host.log(.error, "further refusals of samples are not logged") }
    }
}
