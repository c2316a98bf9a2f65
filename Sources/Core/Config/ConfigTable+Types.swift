extension ConfigTable {
    func text(_ key: ConfigKey) throws(ConfigError) -> String? {
        guard let setting = setting(key) else { return nil }
        guard case .scalar(let text, _) = setting.value, !text.isEmpty else { throw mismatch(key, setting) }
        return text
    }

    func boolean(_ key: ConfigKey) throws(ConfigError) -> Bool? {
        guard let setting = setting(key) else { return nil }
        guard let value = bare(setting).flatMap(ConfigScalar.boolean) else { throw mismatch(key, setting) }
        return value
    }

    func integer(_ key: ConfigKey) throws(ConfigError) -> Int? {
        guard let setting = setting(key) else { return nil }
        guard case .integer(let range) = key.kind, let value = bare(setting).flatMap(ConfigScalar.integer) else {
            throw mismatch(key, setting)
        }
        if key.minusOneUnsets, value == -1 { return nil }
        guard range.contains(value) else { throw mismatch(key, setting) }
        return value
    }

    func number(_ key: ConfigKey) throws(ConfigError) -> Double? {
        guard let setting = setting(key) else { return nil }
        guard case .number(let range) = key.kind, let value = bare(setting).flatMap(ConfigScalar.number) else {
            throw mismatch(key, setting)
        }
        if key.minusOneUnsets, value == -1 { return nil }
        guard range.contains(value) else { throw mismatch(key, setting) }
        return value
    }

    /// One of the words of a choice, as listed; capitals, dashes and underscores do not matter.
    func choice(_ key: ConfigKey) throws(ConfigError) -> String? {
        guard let setting = setting(key) else { return nil }
        guard case .choice(let words) = key.kind, case .scalar(let text, _) = setting.value else {
            throw mismatch(key, setting)
        }
        guard let word = words.first(where: { Self.plain($0) == Self.plain(text) }) else {
            throw mismatch(key, setting, nearest: NearestName.of(text, among: words))
        }
        return word
    }

    /// Checks the type of a key whose value is not used.
    func check(_ key: ConfigKey) throws(ConfigError) {
        switch key.kind {
        case .text, .path: _ = try text(key)
        case .boolean: _ = try boolean(key)
        case .integer: _ = try integer(key)
        case .number: _ = try number(key)
        case .choice: _ = try choice(key)
        case .numbers:
            guard let setting = setting(key) else { return }
            guard case .list(let values) = setting.value else { throw mismatch(key, setting) }
            for value in values {
                guard case .scalar(let text, quoted: false) = value, ConfigScalar.number(text) != nil else {
                    throw ConfigError(
                        "expected a list of numbers, found \(value) in it",
                        key: key.name,
                        origin: setting.origin
                    )
                }
            }
        }
    }

    /// The text of a scalar that may be something else than a text.
    private func bare(_ setting: ConfigSetting) -> String? {
        guard case .scalar(let text, quoted: false) = setting.value else { return nil }
        return text
    }

    private func mismatch(_ key: ConfigKey, _ setting: ConfigSetting, nearest: String? = nil) -> ConfigError {
        let hint = nearest.map { "; nearest: \($0)" } ?? ""
        return ConfigError(
            "expected \(key.expectation), found \(setting.value)\(hint)",
            key: key.name,
            origin: setting.origin
        )
    }

    private static func plain(_ text: String) -> String {
        text.lowercased().filter { $0 != "-" && $0 != "_" }
    }
}
