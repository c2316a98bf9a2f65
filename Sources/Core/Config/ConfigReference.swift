/// The documentation of all keys, made from the list that the reader uses.
public enum ConfigReference {
    /// One line per key, for a terminal.
    public static var listing: String {
        ConfigKey.all.map { key in
            let aliases = key.aliases.isEmpty ? "" : " (also \(key.aliases.joined(separator: ", ")))"
            return "\(key.name)\(aliases)\n    \(sentence(key))\n"
        }.joined()
    }

    /// A Markdown table of all keys.
    public static var markdown: String {
        let rows = ConfigKey.all.map { key in
            let names = ([key.name] + key.aliases).map { "`\($0)`" }.joined(separator: ", ")
            return "| \(names) | \(value(key)) | \(sentence(key, withType: false)) |\n"
        }
        return "| key | value | meaning |\n|---|---|---|\n" + rows.joined()
    }

    /// Text for one option of a workload, for a terminal.
    ///
    /// - Parameter option: The option.
    /// - Returns: Name, type, default and help.
    public static func listing(of option: WorkloadOption) -> String {
        let value = option.defaultValue.map { "default \($0)" } ?? (option.isRequired ? "required" : "no default")
        return "\(ConfigKey.workloadGroup).\(option.name)\n    \(option.help) (\(option.expectation); \(value))\n"
    }

    private static func value(_ key: ConfigKey) -> String {
        key.expectation + (key.minusOneUnsets ? ", or -1" : "")
    }

    private static func sentence(_ key: ConfigKey, withType: Bool = true) -> String {
        let type = withType ? " (\(value(key)))" : ""
        return key.help + type + (key.withoutEffect.map { " Read, but \($0)." } ?? "")
    }
}
