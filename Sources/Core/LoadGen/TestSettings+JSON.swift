public import JSON

extension TestSettings {
    /// The settings as an object with the official names; every setting is a member.
    public var json: JSON {
        var members: [(String, JSON)] = [("scenario", .string(scenario.rawValue)), ("mode", .string(mode.rawValue))]
        for (name, field) in Self.namedFields {
            switch field {
            case .real(let path): members.append((name, .number(self[keyPath: path])))
            case .count(let path): members.append((name, JSON(self[keyPath: path])))
            case .flag(let path): members.append((name, .bool(self[keyPath: path])))
            }
        }
        return .object(JSONObject(members))
    }

    /// Reads settings from an object with the official names.
    ///
    /// - Parameter field: The object; what it lacks keeps the official default, but scenario has to be there.
    /// - Throws: `ConfigError` for a name that is no setting, with the nearest one, and for a value of the wrong kind.
    public init(_ field: JSONField) throws(ConfigError) {
        self.init()
        do {
            scenario = try Self.choice(field["scenario"])
            if let mode = try field["mode"].optional { self.mode = try Self.choice(mode) }
            let known = Self.namedFields
            for (name, value) in try field.members() where name != "scenario" && name != "mode" {
                guard let entry = known.first(where: { $0.name == name }) else {
                    let nearest = NearestName.of(name, among: known.map(\.name) + ["scenario", "mode"])
                    throw ConfigError(
                        "\(field.source) has a member '\(name)' that is no setting of LoadGen"
                            + (nearest.map { "; did you mean \($0)?" } ?? "")
                    )
                }
                switch entry.field {
                case .real(let path): self[keyPath: path] = try value.double()
                case .count(let path): self[keyPath: path] = try value.uint64()
                case .flag(let path): self[keyPath: path] = try value.bool()
                }
            }
        } catch let error as JSONError {
            throw ConfigError("\(error)")
        } catch let error as ConfigError {
            throw error
        } catch {
            throw ConfigError("\(error)")
        }
    }

    private static func choice<Value: CaseIterable & RawRepresentable<String>>(
        _ field: JSONField
    ) throws -> Value {
        let word = try field.string(oneOf: Value.allCases.map(\.rawValue))
        guard let value = Value(rawValue: word) else { throw ConfigError("\(field.path): '\(word)' is not known") }
        return value
    }
}
