/// Reads the words of a command line: `k=v`, `--k v` and `--k=v` are the same.
enum ConfigWords {
    private static let maximumWords = 4096

    static func settings(of words: [String]) throws(ConfigError) -> [ConfigSetting] {
        guard words.count <= maximumWords else {
            throw ConfigError("more than \(maximumWords) words on the command line")
        }
        var settings: [ConfigSetting] = []
        var position = 0
        while position < words.count {
            let word = words[position]
            let origin = ConfigOrigin.word(position: position + 1, text: word)
            position += 1
            if let (key, value) = split(word) {
                settings += try setting(key, value, origin: origin)
                continue
            }
            guard word.hasPrefix("--"), word.utf8.count > 2 else {
                throw ConfigError("expected key=value or --key value", origin: origin)
            }
            let key = String(word.dropFirst(2))
            let next = position < words.count ? words[position] : nil
            if isBoolean(key), next.flatMap(ConfigScalar.boolean) == nil {
                settings += try setting(key, "true", origin: origin)
                continue
            }
            guard let next, !next.hasPrefix("--"), !isSetting(next) else {
                throw ConfigError("needs a value: --\(key) VALUE", key: key, origin: origin)
            }
            settings += try setting(key, next, origin: origin)
            position += 1
        }
        return settings
    }

    /// The key and the value of a word with `=`, without the marks that Hydra allows before a key.
    private static func split(_ word: String) -> (key: String, value: String)? {
        let bytes = word.utf8
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        var key = bytes[..<equals]
        for mark in ["--", "++", "+"] where key.starts(with: mark.utf8) {
            key = key.dropFirst(mark.utf8.count)
            break
        }
        return (String(Substring(key)), String(Substring(bytes[bytes.index(after: equals)...])))
    }

    private static func isBoolean(_ key: String) -> Bool {
        guard let parts = ConfigPath.parts(of: key) else { return false }
        return ConfigKey.byName[parts.joined(separator: ".")]?.kind == .boolean
    }

    /// Whether a word that could be the value of the one before it sets a known key of its own.
    private static func isSetting(_ word: String) -> Bool {
        guard let (key, _) = split(word), let parts = ConfigPath.parts(of: key), let group = parts.first else {
            return false
        }
        return ConfigKey.byName[parts.joined(separator: ".")] != nil || group == "harness_config"
            || group == ConfigKey.workloadGroup
    }

    private static func setting(
        _ key: String,
        _ value: String,
        origin: ConfigOrigin
    ) throws(ConfigError) -> [ConfigSetting] {
        guard let path = ConfigPath.parts(of: key) else {
            throw ConfigError("'\(key.shortened(to: 60))' is no key", origin: origin)
        }
        guard value.utf8.count <= ConfigScalar.maximumBytes else {
            throw ConfigError("the value has more than \(ConfigScalar.maximumBytes) bytes", key: key, origin: origin)
        }
        switch value.utf8.first {
        case nil:
            throw ConfigError("has no value; write \(key)=null for the default", key: key, origin: origin)
        case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "'"), UInt8(ascii: "\""):
            return try YAMLSettings.ofWord(value, under: path, origin: origin)
        default:
            let scalar = try ConfigScalar.value(value, quoted: false, key: key, origin: origin)
            return [ConfigSetting(path: path, value: scalar, origin: origin)]
        }
    }
}
