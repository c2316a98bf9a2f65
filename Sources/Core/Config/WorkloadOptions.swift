public import JSON

/// The options that a workload declares, and the check of what the user wrote against them.
public struct WorkloadOptions: Sendable, Equatable {
    /// The options, in the order of the declaration.
    public let options: [WorkloadOption]
    /// Whose they are, for messages.
    public let workload: String

    /// Checks what the user wrote and fills in the defaults.
    ///
    /// - Parameter settings: What was written under `model_config`, as in `RunConfiguration.options`.
    /// - Returns: The object for `create`: one member for every option, in the order of the declaration; `null` where
    ///   nothing was given and there is no default.
    /// - Throws: `ConfigError` for an unknown option, a value of another type or out of bounds, or a missing one.
    public func resolve(_ settings: [ConfigSetting]) throws(ConfigError) -> JSONObject {
        var written: [String: ConfigSetting] = [:]
        let known = Dictionary(options.map { (Self.plain($0.name), $0) }, uniquingKeysWith: { first, _ in first })
        for setting in settings {
            guard setting.path.count == 2, setting.path[0] == ConfigKey.workloadGroup,
                known[Self.plain(setting.path[1])] != nil
            else { throw unknown(setting) }
            written[Self.plain(setting.path[1])] = setting
        }
        var result = JSONObject()
        for option in options {
            result.updateValue(try value(of: option, from: written[Self.plain(option.name)]), forKey: option.name)
        }
        return result
    }

    private func value(of option: WorkloadOption, from setting: ConfigSetting?) throws(ConfigError) -> JSON {
        guard let setting, setting.value != .null else {
            if let value = option.defaultValue { return value }
            guard !option.isRequired else {
                throw ConfigError(
                    "is required by \(workload) (\(option.expectation)): \(option.help)",
                    key: "\(ConfigKey.workloadGroup).\(option.name)",
                    origin: setting?.origin
                )
            }
            return .null
        }
        guard let value = option.value(of: setting.value) else {
            throw ConfigError(
                "expected \(option.expectation), found \(setting.value)",
                key: setting.key,
                origin: setting.origin
            )
        }
        return value
    }

    private func unknown(_ setting: ConfigSetting) -> ConfigError {
        let names = options.map(\.name)
        let hint =
            if let nearest = NearestName.of(setting.path.last ?? "", among: names.map(Self.plain)) {
                "Nearest: \(ConfigKey.workloadGroup).\(nearest)"
            } else if names.isEmpty {
                "It has none"
            } else {
                "It has \(names.joined(separator: ", "))"
            }
        return ConfigError("is not an option of \(workload). \(hint)", key: setting.key, origin: setting.origin)
    }

    static func plain(_ name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }
}
