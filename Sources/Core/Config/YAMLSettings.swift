internal import Yams

/// Reads the settings of a YAML text.
///
/// Only the plain part of YAML is taken: nested groups, scalars and lists. Anchors, aliases, tags and complex keys are
/// refused. Scalars keep their text: what they mean is decided by the key, so `no` is never taken for false.
enum YAMLSettings {
    /// More settings than this are no configuration.
    static let maximumSettings = 4096

    /// The settings of a file, in order.
    static func ofFile(_ bytes: [UInt8], path: String) throws(ConfigError) -> [ConfigSetting] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigError("is not valid UTF-8", origin: .file(path: path, line: lineOfInvalidUTF8(bytes)))
        }
        var reader = Reader { .file(path: path, line: $0) }
        try reader.refuseHazards(in: text)
        try reader.read(text, under: [])
        return reader.settings
    }

    /// The value that a command-line word gives in brackets, braces or quotes.
    static func ofWord(
        _ value: String,
        under path: [String],
        origin: ConfigOrigin
    ) throws(ConfigError) -> [ConfigSetting] {
        var reader = Reader { _ in origin }
        try reader.refuseHazards(in: value)
        try reader.read(value, under: path)
        return reader.settings
    }

    private static func lineOfInvalidUTF8(_ bytes: [UInt8]) -> Int {
        var line = 1
        for piece in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: piece, as: UTF8.self) == nil { return line }
            line += 1
        }
        return line
    }

    private struct Reader {
        var settings: [ConfigSetting] = []
        private var seen: [String: ConfigOrigin] = [:]
        private let origin: (_ line: Int) -> ConfigOrigin

        init(origin: @escaping (_ line: Int) -> ConfigOrigin) {
            self.origin = origin
        }

        func refuseHazards(in text: String) throws(ConfigError) {
            if let hazard = YAMLHazards.first(in: text) {
                throw ConfigError(hazard.reason, origin: origin(hazard.line))
            }
        }

        mutating func read(_ text: String, under path: [String]) throws(ConfigError) {
            do {
                let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
                // Nodes know their anchors only as long as the parser lives.
                try withExtendedLifetime(parser) {
                    guard let root = try parser.singleRoot() else { return }
                    try add(root, at: path, under: path)
                }
            } catch let error as ConfigError {
                throw error
            } catch let error as YamlError {
                throw explained(error)
            } catch {
                throw ConfigError("is not valid YAML", origin: origin(1))
            }
        }

        private mutating func add(_ node: Node, at path: [String], under root: [String]) throws(ConfigError) {
            let place = origin(node.mark?.line ?? 1)
            let key = path.isEmpty ? nil : path.joined(separator: ".")
            try refuseAnchorOrTag(node, key: key, origin: place)
            guard case .mapping(let mapping) = node else {
                guard !path.isEmpty else {
                    throw ConfigError("expected keys with values, such as 'scenario: Offline'", origin: place)
                }
                try append(ConfigSetting(path: path, value: try value(of: node, depth: 0, key: key), origin: place))
                return
            }
            for (name, child) in mapping {
                let line = origin(name.mark?.line ?? 1)
                guard case .scalar(let scalar) = name else {
                    throw ConfigError("expected a name as key", key: key, origin: line)
                }
                try refuseAnchorOrTag(name, key: key, origin: line)
                guard let parts = ConfigPath.parts(of: scalar.string) else {
                    throw ConfigError(
                        "'\(scalar.string.shortened(to: 60))' is no key: parts between dots must not be empty, nor the key long",
                        key: key,
                        origin: line
                    )
                }
                guard path.count + parts.count <= ConfigPath.maximumDepth else {
                    throw ConfigError("is nested more than \(ConfigPath.maximumDepth) deep", key: key, origin: line)
                }
                // The line of the key, since the value may begin on a later one.
                try add(child, keyed: path + parts, origin: line, under: root)
            }
        }

        private mutating func add(
            _ node: Node,
            keyed path: [String],
            origin place: ConfigOrigin,
            under root: [String]
        ) throws(ConfigError) {
            if case .mapping = node {
                try add(node, at: path, under: root)
            } else {
                let key = path.joined(separator: ".")
                try refuseAnchorOrTag(node, key: key, origin: place)
                try append(ConfigSetting(path: path, value: try value(of: node, depth: 0, key: key), origin: place))
            }
        }

        private mutating func append(_ setting: ConfigSetting) throws(ConfigError) {
            if let first = seen.updateValue(setting.origin, forKey: setting.key) {
                throw ConfigError("is given twice, first at \(first)", key: setting.key, origin: setting.origin)
            }
            guard settings.count < YAMLSettings.maximumSettings else {
                throw ConfigError("has more than \(YAMLSettings.maximumSettings) settings", origin: setting.origin)
            }
            settings.append(setting)
        }

        private func value(of node: Node, depth: Int, key: String?) throws(ConfigError) -> ConfigValue {
            let place = origin(node.mark?.line ?? 1)
            try refuseAnchorOrTag(node, key: key, origin: place)
            switch node {
            case .scalar(let scalar):
                return try ConfigScalar.value(
                    scalar.string,
                    quoted: scalar.style == .singleQuoted || scalar.style == .doubleQuoted,
                    key: key,
                    origin: place
                )
            case .sequence(let sequence):
                guard depth < ConfigPath.maximumDepth, sequence.count <= 65536 else {
                    throw ConfigError("the list is too long or too deep", key: key, origin: place)
                }
                var values: [ConfigValue] = []
                for element in sequence { values.append(try value(of: element, depth: depth + 1, key: key)) }
                return .list(values)
            case .mapping, .alias:
                throw ConfigError("expected a value or a list of values, found a group", key: key, origin: place)
            }
        }

        private func refuseAnchorOrTag(_ node: Node, key: String?, origin: ConfigOrigin) throws(ConfigError) {
            let (anchor, tag): (Anchor?, Tag) =
                switch node {
                case .scalar(let scalar): (scalar.anchor, scalar.tag)
                case .sequence(let sequence): (sequence.anchor, sequence.tag)
                case .mapping(let mapping): (mapping.anchor, mapping.tag)
                case .alias(let alias): (alias.anchor, alias.tag)
                }
            guard anchor == nil else {
                throw ConfigError(
                    YAMLHazards.anchorReason,
                    key: key,
                    origin: origin
                )
            }
            let ordinary: [Tag.Name] = [.implicit, .str, .seq, .map]
            guard ordinary.contains(where: { $0.rawValue == tag.description }) else {
                throw ConfigError(
                    "has the YAML tag '\(tag.description.shortened(to: 60))'; leave it out",
                    key: key,
                    origin: origin
                )
            }
        }

        private func explained(_ error: YamlError) -> ConfigError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                ConfigError("is not valid YAML: \(problem)", origin: origin(mark.line))
            case .duplicatedKeysInMapping(let keys, let context):
                ConfigError(
                    "is given twice",
                    key: keys.first.map { $0.shortened(to: 120) } ?? "a key",
                    origin: origin(max(1, context.mark.line))
                )
            case .reader(let problem, _, _, _): ConfigError("is not valid YAML: \(problem)", origin: origin(1))
            default: ConfigError("is not valid YAML", origin: origin(1))
            }
        }
    }
}
