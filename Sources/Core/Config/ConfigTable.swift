/// All settings of a run under their proper names: those of the file, overridden by those of the command line.
struct ConfigTable {
    private var settings: [String: ConfigSetting] = [:]
    /// Options of the workload, by name.
    private(set) var workloadOptions: [String: ConfigSetting] = [:]

    /// Adds the settings of one source, over what is there.
    ///
    /// - Throws: `ConfigError` for a key that nobody knows.
    mutating func add(_ source: [ConfigSetting]) throws(ConfigError) {
        for var setting in source {
            if let name = ConfigKey.workloadAliases[setting.key] {
                setting.path = name.split(separator: ".").map(String.init)
            }
            if let key = ConfigKey.byName[setting.key] {
                settings[key.name] = setting
            } else if setting.path.count == 1, isGroup(setting.path[0]) {
                guard setting.value == .null else {
                    throw ConfigError(
                        "is a group of keys, found \(setting.value)",
                        key: setting.key,
                        origin: setting.origin
                    )
                }
            } else if setting.path.count == 2, setting.path[0] == ConfigKey.workloadGroup {
                workloadOptions[setting.path[1]] = setting
            } else {
                throw unknown(setting)
            }
        }
    }

    /// The setting of a key; nil when there is none, or when it is unset.
    func setting(_ key: ConfigKey) -> ConfigSetting? {
        guard let setting = settings[key.name], setting.value != .null else { return nil }
        return setting
    }

    /// Set keys that have no effect, in the order of the list of keys.
    var withoutEffect: [(key: ConfigKey, setting: ConfigSetting)] {
        ConfigKey.all.compactMap { key in
            guard key.withoutEffect != nil, let setting = setting(key) else { return nil }
            return (key, setting)
        }
    }

    private func isGroup(_ name: String) -> Bool {
        name == "harness_config" || name == ConfigKey.workloadGroup || ConfigKey.foreignGroups.contains(name)
    }

    private func unknown(_ setting: ConfigSetting) -> ConfigError {
        let group = setting.path[0]
        func error(_ reason: String) -> ConfigError { ConfigError(reason, key: setting.key, origin: setting.origin) }
        if group == "defaults" {
            return error("includes are not supported (AMD's harness has none either): write the settings out")
        }
        if ConfigKey.foreignGroups.contains(group) {
            return error(
                "is a setting of vLLM or SGLang, which are not used here; the workload's own options are model_config.*,"
                    + " and 'host describe' lists them"
            )
        }
        if group == ConfigKey.workloadGroup {
            return error("options of the workload have no groups: write model_config.NAME")
        }
        let parent = ConfigKey.byName[setting.path.dropLast().joined(separator: ".")]
        if setting.path.count > 1, let parent {
            return error("\(parent.name) takes \(parent.expectation), no keys below it")
        }
        guard let nearest = NearestName.of(setting.key, among: ConfigKey.byName.keys.sorted()) else {
            return error("is not a known key. Keys of the host: \(ConfigKey.all.map(\.name).joined(separator: ", "))")
        }
        return error("is not a known key. Nearest: \(nearest)")
    }
}
