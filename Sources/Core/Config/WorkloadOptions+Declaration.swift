internal import JSON

extension WorkloadOptions {
    /// Reads a declaration: a JSON array as in `mlp_workload.options`.
    ///
    /// Members that are not known here are left alone, since the contract may grow.
    ///
    /// - Parameters:
    ///   - declaration: The text.
    ///   - workload: Id of the workload, for messages.
    /// - Throws: `ConfigError` with `fault` `.plugin` for every mistake in the declaration.
    public init(declaration: String, workload: String) throws(ConfigError) {
        func mistake(_ reason: String) -> ConfigError {
            ConfigError("the plugin's declaration of options for \(workload) is wrong: \(reason)", fault: .plugin)
        }
        var options: [WorkloadOption] = []
        var names: Set<String> = []
        do throws(JSONError) {
            let whole = JSONField(try JSON(parsing: declaration, source: "options"), at: "options")
            for field in try whole.array() {
                let option = try Self.option(field)
                guard names.insert(Self.plain(option.name)).inserted else {
                    throw field.error("a second option is called '\(option.name.shortened(to: 60))'")
                }
                options.append(option)
            }
        } catch {
            throw mistake(error.description)
        }
        self.options = options
        self.workload = workload
    }

    private static func option(_ field: JSONField) throws(JSONError) -> WorkloadOption {
        let name = try field["name"].string()
        let letters = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
        guard letters, (1...64).contains(name.utf8.count) else {
            throw field["name"].error(expected: "1 to 64 small letters, digits, dashes and underscores")
        }
        var option = WorkloadOption(
            name: name,
            kind: try kind(field),
            help: try field["help"].string(),
            isRequired: try field["required"].optional?.bool() ?? false
        )
        guard let declared = try field["default"].optional else { return option }
        guard !option.isRequired else {
            throw field["required"].error("the option has a default, so it cannot be required")
        }
        guard option.accepts(try declared.value) else { throw declared.error(expected: option.expectation) }
        option.defaultValue = try declared.value
        return option
    }

    private static func kind(_ field: JSONField) throws(JSONError) -> WorkloadOption.Kind {
        let type = try field["type"].string(oneOf: ["boolean", "integer", "number", "string", "path"])
        let minimum = try field["minimum"].optional
        let maximum = try field["maximum"].optional
        let values = try field["values"].optional
        if let bound = minimum ?? maximum, type != "integer", type != "number" {
            throw bound.error("only integers and numbers have bounds")
        }
        if let values, type != "string" { throw values.error("only strings have a list of allowed values") }
        switch type {
        case "boolean": return .boolean
        case "integer":
            let (low, high) = (try integer(minimum), try integer(maximum))
            if let low, let high, low > high { throw field["minimum"].error("is above the maximum") }
            return .integer(minimum: low, maximum: high)
        case "number":
            let (low, high) = (try minimum?.double(), try maximum?.double())
            if let low, let high, low > high { throw field["minimum"].error("is above the maximum") }
            return .number(minimum: low, maximum: high)
        case "string": return .string(values: try values.map(words))
        default: return .path
        }
    }

    private static func integer(_ field: JSONField?) throws(JSONError) -> Int64? {
        guard let field else { return nil }
        return Int64(try field.int())
    }

    private static func words(_ field: JSONField) throws(JSONError) -> [String] {
        var words: [String] = []
        for element in try field.array() { words.append(try element.string()) }
        guard !words.isEmpty else { throw field.error("is empty, so that no value would be allowed") }
        return words
    }
}
