extension RunConfiguration {
    /// Reads the words of a command line and the configuration file that they name.
    ///
    /// `k=v`, `--k v` and `--k=v` are the same; dashes and underscores in keys are equal; a boolean key may stand alone
    /// as `--k`. Later words override earlier ones, and all override the file `config_path/config_name.yaml`.
    ///
    /// - Parameters:
    ///   - words: The command line behind the name of the program and of the subcommand.
    ///   - files: How files are read.
    /// - Throws: `ConfigError` for everything that is not as it should be.
    public init(words: [String], files: ConfigFiles = .disk) throws(ConfigError) {
        let overrides = try ConfigWords.settings(of: words)
        var commandLine = ConfigTable()
        try commandLine.add(overrides)

        var table = ConfigTable()
        let file = try Self.configFile(commandLine, files)
        if let file { try table.add(Self.settings(ofFile: file, files)) }
        try table.add(overrides)
        try self.init(table)
        configFile = file
    }

    private static func configFile(_ commandLine: ConfigTable, _ files: ConfigFiles) throws(ConfigError) -> String? {
        let folder = try commandLine.text(.configPath)
        guard let name = try commandLine.text(.configName) else {
            guard let folder else { return nil }
            // A file given whole is clear enough.
            if folder.hasSuffix(".yaml") || folder.hasSuffix(".yml") { return folder }
            throw ConfigError(
                "the name of the file is missing: --config-name NAME\(suggestion(in: folder, files))",
                key: ConfigKey.configPath.name,
                origin: commandLine.setting(.configPath)?.origin
            )
        }
        let file = name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? name : name + ".yaml"
        guard let folder else { return file }
        return folder.hasSuffix("/") ? folder + file : "\(folder)/\(file)"
    }

    private static func settings(ofFile file: String, _ files: ConfigFiles) throws(ConfigError) -> [ConfigSetting] {
        switch files.contents(file) {
        case .success(let bytes):
            guard bytes.count <= ConfigFiles.maximumBytes else {
                throw ConfigError(
                    "has more than \(ConfigFiles.maximumBytes) bytes: no configuration",
                    origin: .file(path: file, line: 1)
                )
            }
            let settings = try YAMLSettings.ofFile(bytes, path: file)
            for setting in settings where ["config_path", "config_name"].contains(setting.key) {
                throw ConfigError("belongs on the command line", key: setting.key, origin: setting.origin)
            }
            return settings
        case .failure(var error):
            let folder = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[..<$0]) } ?? "."
            error.reason += suggestion(in: folder, files)
            throw error
        }
    }

    private static func suggestion(in folder: String, _ files: ConfigFiles) -> String {
        let names = files.names(folder).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
        return names.isEmpty ? "" : ". In \(folder): \(names.prefix(20).joined(separator: ", "))"
    }

    private init(_ table: ConfigTable) throws(ConfigError) {
        for key in ConfigKey.all { try table.check(key) }
        guard let plugin = try table.text(.plugin) else {
            throw ConfigError("no plugin is given: --plugin libNAME.so")
        }
        self.init(plugin: plugin)
        workload = try table.text(.workload)
        benchmark = try table.text(.benchmark)
        scenario = try table.choice(.scenario).flatMap(RequestedScenario.init)
        mode =
            switch try table.choice(.mode) {
            case "accuracy": .accuracyOnly
            case "submission": .submissionRun
            default: .performanceOnly
            }
        try readEngine(table)
        role = try table.choice(.role).flatMap(RunRole.init) ?? role
        isolate = try table.boolean(.isolate) ?? isolate
        try readSelection(table)
        threads = try table.integer(.threads) ?? threads
        try readDevices(table)
        try readSharing(table)
        try readBackend(table)
        try readPaths(table)
        try readCounts(table)
        try readDebugging(table)
        enableWarmup = try table.boolean(.enableWarmup) ?? enableWarmup
        seedless = try table.boolean(.seedless) ?? seedless
        isLenient = try table.boolean(.lenient) ?? isLenient
        enableLogTrace = try table.boolean(.enableLogTrace) ?? enableLogTrace
        replay = try table.text(.replay)
        if let seconds = try table.number(.watchdogSec) { watchdogSec = seconds > 0 ? seconds : nil }
        callTimeoutSec = try table.number(.callTimeoutSec)
        prepareTimeoutSec = try table.number(.prepareTimeoutSec)
        options = table.workloadOptions.values.sorted { $0.key < $1.key }
        notices += table.withoutEffect.map { "\($1.origin): \($0.name) \($0.withoutEffect ?? "")" }
    }

    private mutating func readEngine(_ table: ConfigTable) throws(ConfigError) {
        loadgen = try table.choice(.loadgen).flatMap(LoadGenEngine.init) ?? loadgen
        overrideSeeds = try table.boolean(.overrideSeeds) ?? overrideSeeds
        let asked = try table.choice(.round).flatMap(MLPerfRound.init)
        guard loadgen == .official else {
            round = asked ?? round
            guard !overrideSeeds else {
                throw ConfigError(
                    "only loadgen=official carries seeds that could be overridden; the host takes those of `round`",
                    key: ConfigKey.overrideSeeds.name,
                    origin: table.setting(.overrideSeeds)?.origin
                )
            }
            return
        }
        if try table.boolean(.enableLogTrace) == true {
            notices.append("\(ConfigKey.enableLogTrace.name) has no effect with loadgen=official")
        }
        round = asked ?? OfficialLoadGen.compiledRound
        guard round == OfficialLoadGen.compiledRound || overrideSeeds else {
            throw ConfigError(
                "the official LoadGen \(OfficialLoadGen.version) carries the seeds of \(OfficialLoadGen.compiledRound.rawValue); "
                    + "leave `round` out, or set override_seeds=true, which the report states",
                key: ConfigKey.round.name,
                origin: table.setting(.round)?.origin
            )
        }
        if try table.boolean(.lenient) == true {
            throw ConfigError(
                "the official LoadGen knows no lenient reading; leave this out, or use loadgen=podium",
                key: ConfigKey.lenient.name,
                origin: table.setting(.lenient)?.origin
            )
        }
        if let setting = table.setting(.mlperfConf) {
            throw ConfigError(
                "the official LoadGen takes its mlperf.conf from within itself; leave this out, or use loadgen=podium",
                key: ConfigKey.mlperfConf.name,
                origin: setting.origin
            )
        }
    }

    private mutating func readSelection(_ table: ConfigTable) throws(ConfigError) {
        guard let text = try table.text(.device) else { return }
        guard let selection = DeviceSelection(text) else {
            throw ConfigError(
                "expected cpu, hip or cuda, or devices by number as in hip:0 or cuda:2,3, found \"\(text)\"",
                key: ConfigKey.device.name,
                origin: table.setting(.device)?.origin
            )
        }
        device = selection
    }

    private mutating func readDevices(_ table: ConfigTable) throws(ConfigError) {
        devicesPerInstance = try table.integer(.devicesPerInstance) ?? devicesPerInstance
        let instances = try table.integer(.dataParallelSize)
        let devices = try table.integer(.deviceCount)
        let named = device.ordinals.count
        deviceCount = devices ?? instances.map { $0 * devicesPerInstance } ?? max(named, devicesPerInstance)
        if named > 0, deviceCount > named {
            throw ConfigError(
                "\(deviceCount) devices are asked for, and device=\(device) names \(named)",
                key: ConfigKey.deviceCount.name,
                origin: (table.setting(.deviceCount) ?? table.setting(.dataParallelSize))?.origin
            )
        }
        guard deviceCount % devicesPerInstance == 0 else {
            throw ConfigError(
                "\(deviceCount) devices cannot be shared out in groups of \(devicesPerInstance)",
                key: ConfigKey.devicesPerInstance.name,
                origin: table.setting(.devicesPerInstance)?.origin
            )
        }
        if let instances, instances != instanceCount {
            throw ConfigError(
                "\(instances) instances contradict device_count=\(deviceCount) and devices_per_instance=\(devicesPerInstance)",
                key: ConfigKey.dataParallelSize.name,
                origin: table.setting(.dataParallelSize)?.origin
            )
        }
    }

    private mutating func readSharing(_ table: ConfigTable) throws(ConfigError) {
        let weight = try table.number(.loadBalanceTokenWeight) ?? 0.02
        let window = try table.integer(.loadBalanceWindowSize) ?? 0
        switch try table.choice(.scheduleAlgo) {
        case SharingPolicy.roundRobin.word: sharing = .roundRobin
        case "shortest_queue_with_tokens": sharing = .shortestQueueWithTokens(weight: weight, window: window)
        default: sharing = .shortestQueue
        }
    }

    private mutating func readBackend(_ table: ConfigTable) throws(ConfigError) {
        switch try table.choice(.backend) {
        case "zmq": usesCluster = true
        case "vllm":
            let origin = table.setting(.backend)?.origin.description ?? ""
            notices.append("\(origin): backend vllm means local here: the plugin is the engine")
        default: break
        }
        port = try table.integer(.port)
        nodeId = try table.text(.nodeId)
        headnodeAddress = try table.text(.headnodeAddress)
    }

    private mutating func readDebugging(_ table: ConfigTable) throws(ConfigError) {
        dumpsModelOutput = try table.boolean(.debugDumpModelOutput) ?? dumpsModelOutput
        modelOutputPath = try table.text(.debugModelOutputPath)
        recordsSampleLatencies = try table.boolean(.debugRecordSampleLatencies) ?? recordsSampleLatencies
        latencyOutputPath = try table.text(.debugLatencyOutputPath)
        printsFinished = try table.boolean(.debugPrintFinished) ?? printsFinished
        datasetSamplingBins = try table.integer(.debugDatasetSamplingNumBins) ?? datasetSamplingBins
        datasetSamplingSeed = try table.integer(.debugDatasetSamplingRandomSeed) ?? datasetSamplingSeed
        guard let size = try table.integer(.debugDatasetSamplingSize), size > 0 else { return }
        func refuse(_ reason: String) -> ConfigError {
            let key = ConfigKey.debugDatasetSamplingSize
            return ConfigError(reason, key: key.name, origin: table.setting(key)?.origin)
        }
        guard mode == .performanceOnly else {
            throw refuse("an accuracy log would name samples of the drawn data set; use accuracy_sample_count instead")
        }
        guard totalSampleCount == nil else {
            throw refuse("contradicts total_sample_count, which takes the first samples; give one of them")
        }
        datasetSamplingSize = size
    }

    private mutating func readPaths(_ table: ConfigTable) throws(ConfigError) {
        modelPath = try table.text(.modelPath)
        datasetPath = try table.text(.datasetPath)
        if mode == .accuracyOnly, let path = try table.text(.accuracyDatasetPath) { datasetPath = path }
        outputLogDir = try table.text(.outputLogDir)
        resultsDir = try table.text(.resultsDir) ?? resultsDir
        systemName = try table.text(.systemName)
        auditConfPath = try table.text(.auditConf)
        auditTest = try table.text(.auditTest)
        resourceManifest = try table.text(.resourceManifest)
        abortsOnResourceMismatch = try table.boolean(.resourceCheckerAborts) ?? abortsOnResourceMismatch
        resourceCache = try table.text(.resourceCache)
        userConfPath = try table.text(.userConf)
        mlperfConfPath = try table.text(.mlperfConf)
    }

    private mutating func readCounts(_ table: ConfigTable) throws(ConfigError) {
        func positive<Value: Comparable & ExpressibleByIntegerLiteral>(_ value: Value?) -> Value? {
            value.flatMap { $0 > 0 ? $0 : nil }
        }
        targetQps = positive(try table.number(.targetQps))
        durationSec = positive(try table.number(.durationSec))
        totalSampleCount = positive(try table.integer(.totalSampleCount))
        if mode == .accuracyOnly, let count = positive(try table.integer(.accuracySampleCount)) {
            totalSampleCount = count
        }
        minQueryCount = try table.integer(.minQueryCount)
        maxQueryCount = try table.integer(.maxQueryCount)
        if let least = minQueryCount, let most = maxQueryCount, most > 0, least > most {
            throw ConfigError(
                "min_query_count=\(least) contradicts max_query_count=\(most)",
                key: ConfigKey.minQueryCount.name,
                origin: table.setting(.minQueryCount)?.origin
            )
        }
    }
}
