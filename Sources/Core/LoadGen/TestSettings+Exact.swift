import Glibc

/// What the detail log's `requested_…` entries do not tell to the last bit, so that a log is enough to repeat its schedule.
extension TestSettings {
    /// How the entry begins that holds these values.
    static let exactPrefix = "Exact settings: "

    /// Names and values of the settings that the entries round or leave out, `name=value` with blanks between; nil where the
    /// entries say everything.
    func exactText(logged: Set<String>) -> String? {
        var words: [String] = []
        for (name, field) in Self.namedFields {
            guard case .real(let path) = field, logged.contains(name) else { continue }
            let value = self[keyPath: path]
            if strtod(DefaultNumberFormat.text(value), nil) != value { words.append("\(name)=\(value)") }
        }
        if inferTokenLatencies {
            words.append("infer_token_latencies=1")
            words.append("token_latency_scaling_factor=\(tokenLatencyScalingFactor)")
        }
        return words.isEmpty ? nil : Self.exactPrefix + words.joined(separator: " ")
    }

    /// Puts the values of an entry with ``exactPrefix`` into the settings.
    ///
    /// - Returns: The first word that is no value of a setting; nil if all are.
    mutating func applyExact(_ text: String) -> String? {
        let fields = Dictionary(Self.namedFields.map { ($0.name, $0.field) }, uniquingKeysWith: { first, _ in first })
        for word in text.dropFirst(Self.exactPrefix.count).split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let field = fields[parts[0]] else { return String(word) }
            switch field {
            case .real(let path):
                guard let value = Double(parts[1]) else { return String(word) }
                self[keyPath: path] = value
            case .count(let path):
                guard let value = UInt64(parts[1]) else { return String(word) }
                self[keyPath: path] = value
            case .flag(let path):
                self[keyPath: path] = parts[1] == "1"
            }
        }
        return nil
    }
}
