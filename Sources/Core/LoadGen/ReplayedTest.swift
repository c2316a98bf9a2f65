import JSON
public import RunRecords

/// A test as its detail log tells it: the settings, and the marks by which a plan is known to be the same.
///
/// A log prints numbers with fractions to six digits.  Podium's logs add the exact values where that loses something.  For
/// other logs the rate is found again: with everything else fixed, the number of queries and the duration of the generated
/// schedule move in one direction with the rate, each gap does so too, and so a rate that gives the logged count and
/// duration gives every single gap.
public struct ReplayedTest: Sendable {
    /// What the log says of one phase.
    struct Phase: Sendable {
        var loaded: [UInt64]
        var queries: UInt64
        var samplesPerQuery: UInt64
        var duration: Int64
    }

    /// The log, as errors name it.
    public let source: String
    /// The settings as the log has them.
    public let logged: TestSettings
    /// Samples in the library.
    public let totalCount: UInt64
    /// Samples that the library could load at once.
    public let performanceCount: UInt64
    /// Whether the log says the settings to the last bit: it is Podium's own.
    public let isExact: Bool
    let phases: [Phase]

    /// Reads a log.
    ///
    /// - Parameter log: The whole log.
    /// - Throws: `ConfigError` for the log of another tool, one that is cut off, or one of a peak search, which depends on
    ///   what it measured.
    public init(_ log: DetailLogContents) throws(ConfigError) {
        source = log.source
        let reader = Reader(log: log)
        guard let version = log.entries.first, version.key == "loadgen_version" else {
            throw reader.error("is no log of LoadGen: it does not begin with loadgen_version")
        }
        logged = try reader.settings()
        totalCount = try reader.count("qsl_reported_total_count")
        performanceCount = try reader.count("qsl_reported_performance_count")
        isExact = version.string?.hasSuffix(" @ podium") ?? false
        guard logged.mode != .findPeakPerformance else {
            throw reader.error("is of a search for the peak rate, whose steps depend on what it measured: no replay")
        }
        phases = try reader.phases(isTimed: logged.mode != .accuracyOnly)
    }

    /// The settings that give the logged schedule.
    ///
    /// - Throws: `ConfigError` where the library has other sizes than the log's, or no rate gives the logged schedule;
    ///   `LoadGenError` where the settings allow no plan.
    public func settings(totalCount total: UInt64, performanceCount performance: UInt64) throws -> TestSettings {
        guard total == totalCount, performance == performanceCount else {
            throw ConfigError(
                "\(source): the run had \(totalCount) samples, \(performanceCount) at once, and here are \(total), "
                    + "\(performance) at once; give the same data set"
                    + (total > totalCount ? ", or harness_config.total_sample_count=\(totalCount)" : ""),
                key: "replay"
            )
        }
        let difference = try self.difference(logged)
        guard let difference else { return logged }
        if !isExact, let found = try recovered() { return found }
        throw ConfigError("\(source): the schedule cannot be planned again: \(difference)", key: "replay")
    }

    /// What a plan has otherwise than the log; nil if nothing.
    private func difference(_ settings: TestSettings) throws -> String? {
        let plans = try self.plans(settings)
        guard plans.count == phases.count else { return "\(phases.count) phases in the log, \(plans.count) here" }
        for (number, (plan, phase)) in zip(plans, phases).enumerated() {
            let place = "phase \(number + 1): "
            if plan.loaded.indices != phase.loaded { return place + "loaded_qsl_set differs" }
            let pairs: [(String, Int64, Int64)] = [
                ("generated_query_count", Int64(clamping: phase.queries), Int64(plan.queryCount)),
                ("generated_samples_per_query", Int64(clamping: phase.samplesPerQuery), Int64(plan.samplesPerQuery)),
                ("generated_query_duration", phase.duration, plan.generatedDuration),
            ]
            for (key, expected, actual) in pairs where expected != actual {
                return place + "\(key) is \(expected) in the log and \(actual) here"
            }
        }
        return nil
    }

    private func plans(_ settings: TestSettings) throws -> [QueryPlan] {
        let effective = try EffectiveSettings(settings, performanceCount: performanceCount, totalCount: totalCount)
        return try QueryPlan.phases(of: effective, totalCount: totalCount)
    }

    // MARK: - The rate of a rounded log

    /// Settings whose rate, within what the printed one stands for, gives the logged schedule; nil if there is none.
    private func recovered() throws -> TestSettings? {
        let (path, rises): (WritableKeyPath<TestSettings, Double>, Bool) =
            switch logged.scenario {
            case .singleStream: (\.singleStreamExpectedLatencyNs, false)
            case .multiStream: (\.multiStreamExpectedLatencyNs, false)
            case .server: (\.serverTargetQps, true)
            case .offline: (\.offlineExpectedQps, true)
            }
        let printed = logged[keyPath: path]
        guard printed > 0, printed.isFinite else { return nil }
        var settings = logged
        /// Negative where the value gives fewer or later queries than the log has.
        func order(_ bits: UInt64) throws -> Int {
            settings[keyPath: path] = Double(bitPattern: bits)
            let order = try Self.order(self.plans(settings), phases)
            return rises ? order : -order
        }
        // Six digits are exact to half a unit of the last: at most 5e-6 of the value.
        let from = (printed * (1 - 6e-6)).bitPattern
        let to = (printed * (1 + 6e-6)).bitPattern
        let first = try Self.firstBits(from, to) { try order($0) >= 0 }
        guard first < to, try order(first) == 0 else { return nil }
        let behind = try Self.firstBits(first, to) { try order($0) > 0 }
        settings[keyPath: path] = Self.shortest(Double(bitPattern: first), Double(bitPattern: behind - 1))
        return try difference(settings) == nil ? settings : nil
    }

    private static func firstBits(_ from: UInt64, _ to: UInt64, _ holds: (UInt64) throws -> Bool) rethrows -> UInt64 {
        var (low, high) = (from, to)
        while low < high {
            let middle = low + (high - low) / 2
            if try holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private static func order(_ plans: [QueryPlan], _ phases: [Phase]) -> Int {
        for (plan, phase) in zip(plans, phases) {
            let counts = [
                (UInt64(plan.queryCount), phase.queries), (UInt64(plan.samplesPerQuery), phase.samplesPerQuery),
            ]
            for (actual, expected) in counts where actual != expected { return actual < expected ? -1 : 1 }
            if plan.generatedDuration != phase.duration { return plan.generatedDuration > phase.duration ? -1 : 1 }
        }
        return 0
    }

    /// The number with the fewest digits between two, which people are most likely to have written.
    private static func shortest(_ low: Double, _ high: Double) -> Double {
        let middle = low + (high - low) / 2
        for digits in 1...17 {
            let text = DefaultNumberFormat.significant(middle, digits: digits)
            if let value = Double(text), value >= low, value <= high { return value }
        }
        return low
    }
}

/// Takes a log apart.
private struct Reader {
    let log: DetailLogContents

    func error(_ reason: String) -> ConfigError { ConfigError("\(log.source): \(reason)", key: "replay") }

    private func value<Value>(_ read: () throws -> Value) throws(ConfigError) -> Value {
        do {
            return try read()
        } catch {
            throw ConfigError("\(error)", key: "replay")
        }
    }

    func count(_ key: String) throws(ConfigError) -> UInt64 {
        guard let count = try value({ try log.uint64(key) }) else { throw cutOff(key) }
        return count
    }

    private func cutOff(_ key: String) -> ConfigError {
        error("has no entry \(key): it is cut off, or not LoadGen's; only a run that ended can be replayed")
    }

    private func choice<Value: RawRepresentable<String>>(_ key: String) throws(ConfigError) -> Value {
        guard let word = try value({ try log.string(key) }) else { throw cutOff(key) }
        guard let value = Value(rawValue: word) else { throw error("\(key) is '\(word)', which is not known") }
        return value
    }

    func settings() throws(ConfigError) -> TestSettings {
        var settings = TestSettings()
        settings.scenario = try choice("requested_scenario")
        settings.mode = try choice("requested_test_mode")
        var required = Set(EffectiveSettings(unchecked: settings).requestedEntries().map(\.key))
        required.subtract(["requested_scenario", "requested_test_mode"])
        for (name, field) in TestSettings.namedFields {
            let key = "requested_" + name
            guard log.first(key) != nil else {
                guard !required.contains(key) else { throw cutOff(key) }
                continue
            }
            switch field {
            case .real(let path): settings[keyPath: path] = try value { try log.double(key) } ?? 0
            case .count(let path): settings[keyPath: path] = try value { try log.uint64(key) } ?? 0
            case .flag(let path): settings[keyPath: path] = try value { try log.bool(key) } ?? false
            }
        }
        for entry in log.all("generic_message") {
            guard let text = entry.string, text.hasPrefix(TestSettings.exactPrefix) else { continue }
            if let word = settings.applyExact(text) {
                throw error("line \(entry.line): '\(word)' is no value of a setting")
            }
        }
        return settings
    }

    func phases(isTimed: Bool) throws(ConfigError) -> [ReplayedTest.Phase] {
        let sets = log.all("loaded_qsl_set")
        let ends = log.all("power_end")
        guard !sets.isEmpty else { throw cutOff("loaded_qsl_set") }
        guard ends.count == sets.count else { throw cutOff("power_end") }
        guard !isTimed || log.first("num_errors") != nil else { throw cutOff("num_errors") }
        let counts = log.all("generated_query_count")
        let sizes = log.all("generated_samples_per_query")
        let durations = log.all("generated_query_duration")
        guard counts.count == sets.count, sizes.count == sets.count, durations.count == sets.count else {
            throw error("has \(sets.count) loaded sets and \(durations.count) generated schedules: it is cut off")
        }
        var phases: [ReplayedTest.Phase] = []
        for (number, set) in sets.enumerated() {
            guard case .array(let elements) = set.value, let queries = counts[number].uint64,
                let size = sizes[number].uint64, let duration = durations[number].int
            else { throw error("line \(set.line): the entries of the phase have values of the wrong kind") }
            var loaded: [UInt64] = []
            loaded.reserveCapacity(elements.count)
            for element in elements {
                guard case .integer(let index) = element, index >= 0 else {
                    throw error("line \(set.line): loaded_qsl_set holds '\(element.text())', which is no index")
                }
                loaded.append(UInt64(index))
            }
            phases.append(
                ReplayedTest.Phase(
                    loaded: loaded,
                    queries: queries,
                    samplesPerQuery: size,
                    duration: Int64(duration)
                )
            )
        }
        return phases
    }
}
