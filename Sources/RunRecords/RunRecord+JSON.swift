public import JSON

extension RunRecord {
    /// The number that `format` carries; a reader refuses others.
    private static let format = 1

    /// The content of `run.json`.
    public var json: JSON {
        var members: [(String, JSON)] = [
            ("format", JSON(Self.format)), ("status", .string(status.rawValue)), ("host", .string(host)),
            ("words", .array(words.map { .string($0) })), ("started", .string(started)), ("ended", .string(ended)),
            ("plugin", .string(plugin)), ("workload", .string(workload)),
            ("workload_version", .string(workloadVersion)), ("benchmark", .string(benchmark)),
            ("scenario", .string(scenario)), ("mode", .string(mode)), ("audit", .string(audit)),
            ("round", .string(round)), ("engine", .string(engine)), ("overrides_seeds", .bool(overridesSeeds)),
            ("system", .string(system)), ("device", .string(device)), ("device_count", JSON(deviceCount)),
            ("devices_per_instance", JSON(devicesPerInstance)), ("sharing", .string(sharing)),
            (
                "instances",
                .array(
                    instances.map {
                        ["name": .string($0.name), "samples": JSON($0.samples), "unfinished": JSON($0.unfinished)]
                    }
                )
            ), ("model", .string(model)), ("dataset", .string(dataset)), ("user_conf", .string(userConf)),
            ("options", options), ("settings", settings),
        ]
        if let resources {
            members.append(
                (
                    "resources",
                    [
                        "manifest": .string(resources.manifest), "checked_files": JSON(resources.checkedFiles),
                        "mismatches": .array(resources.mismatches.map { .string($0) }),
                    ]
                )
            )
        }
        members += [
            ("for_submission", .bool(isForSubmission)),
            ("submission_obstacles", .array(submissionObstacles.map { .string($0) })),
            ("reasons", .array(reasons.map { .string($0) })),
            ("host_ns_per_sample", .number(hostNanosecondsPerSample)),
        ]
        return .object(JSONObject(members))
    }

    /// Reads a record.
    ///
    /// - Parameter field: The whole file.
    /// - Throws: `JSONError` naming the member that is missing or wrong.
    public init(_ field: JSONField) throws(JSONError) {
        self.init()
        _ = try field["format"].int(in: Self.format...Self.format)
        let word = try field["status"].string(oneOf: Status.allCases.map(\.rawValue))
        status = Status(rawValue: word) ?? .failed
        host = try field["host"].string()
        words = try Self.strings(field["words"])
        started = try field["started"].string()
        ended = try field["ended"].string()
        plugin = try field["plugin"].string()
        workload = try field["workload"].string()
        workloadVersion = try field["workload_version"].string()
        benchmark = try field["benchmark"].string()
        scenario = try field["scenario"].string()
        mode = try field["mode"].string()
        audit = try field["audit"].string()
        round = try field["round"].string()
        engine = try field["engine"].string()
        overridesSeeds = try field["overrides_seeds"].bool()
        system = try field["system"].string()
        device = try field["device"].string()
        deviceCount = try field["device_count"].int(in: 0...)
        // Records of one instance alone had no word of these.
        if let count = try field["devices_per_instance"].optional { devicesPerInstance = try count.int(in: 1...) }
        if let policy = try field["sharing"].optional { sharing = try policy.string() }
        for instance in try field["instances"].optional?.array() ?? [] {
            instances.append(
                Instance(
                    name: try instance["name"].string(),
                    samples: try instance["samples"].int(in: 0...),
                    unfinished: try instance["unfinished"].int()
                )
            )
        }
        model = try field["model"].string()
        dataset = try field["dataset"].string()
        userConf = try field["user_conf"].string()
        options = .object(try field["options"].object())
        if let settings = try field["settings"].optional { self.settings = .object(try settings.object()) }
        if let resources = try field["resources"].optional {
            self.resources = ResourceCheck(
                manifest: try resources["manifest"].string(),
                checkedFiles: try resources["checked_files"].int(in: 0...),
                mismatches: try Self.strings(resources["mismatches"])
            )
        }
        isForSubmission = try field["for_submission"].bool()
        if let obstacles = try field["submission_obstacles"].optional {
            submissionObstacles = try Self.strings(obstacles)
        }
        reasons = try Self.strings(field["reasons"])
        hostNanosecondsPerSample = try field["host_ns_per_sample"].double()
    }

    /// Reads the record of a run's folder.
    ///
    /// - Parameter folder: The run's folder.
    /// - Throws: `JSONError` where there is no readable record.
    public init(folder: String) throws(JSONError) {
        let path = "\(folder)/\(Self.fileName)"
        try self.init(JSONField(try JSON(contentsOfFile: path), at: path))
    }

    private static func strings(_ field: JSONField) throws(JSONError) -> [String] {
        var texts: [String] = []
        for element in try field.array() { texts.append(try element.string()) }
        return texts
    }
}
