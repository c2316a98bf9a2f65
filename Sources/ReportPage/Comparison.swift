internal import JSON
internal import RunRecords

/// Runs of one benchmark and scenario, side by side; differences are to the first.
struct Comparison: Sendable {
    /// A line of the table.
    struct Row: Sendable {
        var id: String
        var name: String
        /// For each run; nil where it has no such number.
        var values: [Quantity?]
        var isBetterHigh: Bool?
        var isPrimary = false

        /// The difference to the first run as a share; nil where there is none to tell.
        func difference(_ place: Int) -> Double? {
            guard place > 0, let base = values.first ?? nil, let value = values[place], base.value != 0 else {
                return nil
            }
            return (value.value - base.value) / base.value
        }
    }

    /// A setting in which the runs differ.
    struct Setting: Sendable {
        var name: String
        var values: [String]
    }

    var title: String
    var runs: [ReportedRun]
    var rows: [Row]
    var settings: [Setting]

    /// The places of runs that are compared: at least two of one benchmark and scenario, with results.
    static func groups(of runs: [ReportedRun]) -> [[Int]] {
        var groups: [(key: [String], places: [Int])] = []
        for (place, run) in runs.enumerated() where run.hasResult {
            let key = [run.benchmark, run.scenario]
            if let group = groups.firstIndex(where: { $0.key == key }) {
                groups[group].places.append(place)
            } else {
                groups.append((key, [place]))
            }
        }
        return groups.map(\.places).filter { $0.count > 1 }
    }

    /// A comparison of each group.
    static func all(of runs: [ReportedRun]) -> [Comparison] {
        groups(of: runs).map { places in
            let group = places.map { runs[$0] }
            return Comparison(
                title: [group[0].benchmark, group[0].scenario].filter { !$0.isEmpty }.joined(separator: ", "),
                runs: group,
                rows: rows(group),
                settings: settings(group)
            )
        }
    }

    private static func rows(_ runs: [ReportedRun]) -> [Row] {
        var rows: [Row] = []
        func add(_ id: String, _ name: String, _ value: Quantity, _ place: Int, _ high: Bool?, _ primary: Bool = false)
        {
            let row = rows.firstIndex { $0.id == id } ?? rows.count
            if row == rows.count {
                rows.append(
                    Row(
                        id: id,
                        name: name,
                        values: [Quantity?](repeating: nil, count: runs.count),
                        isBetterHigh: high,
                        isPrimary: primary
                    )
                )
            }
            rows[row].values[place] = value
        }
        for (place, run) in runs.enumerated() {
            for metric in run.metrics {
                add(metric.id, metric.name, metric.value, place, metric.isBetterHigh, metric.isPrimary)
            }
        }
        for kind in LatencyKind.allCases {
            for (place, run) in runs.enumerated() {
                guard let row = run.percentileRows.first(where: { $0.kind == kind }) else { continue }
                for (percentile, value) in zip(Distribution.reported, row.percentiles) {
                    guard let value, ["p50", "p90", "p99", "p99.9"].contains(percentile.name) else { continue }
                    let id = "\(kind.rawValue)_\(percentile.name)_ns"
                    add(id, "\(kind.shortName) \(percentile.name)", Quantity(value, .nanoseconds), place, false)
                }
                if let most = row.most {
                    add(
                        "\(kind.rawValue)_max_ns",
                        "\(kind.shortName) max",
                        Quantity(most, .nanoseconds),
                        place,
                        false
                    )
                }
            }
        }
        return rows
    }

    /// Settings in which the runs differ: LoadGen's, the workload's options, and what ran on what.
    private static func settings(_ runs: [ReportedRun]) -> [Setting] {
        let tables = runs.map { run in run.settingsTable }
        var names: [String] = []
        for table in tables {
            for (name, _) in table where !names.contains(name) { names.append(name) }
        }
        return names.compactMap { name in
            let values = tables.map { table in table.first { $0.name == name }?.value ?? "–" }
            return Set(values).count > 1 ? Setting(name: name, values: values) : nil
        }
    }
}

extension ReportedRun {
    /// All settings that are known, by name.
    var settingsTable: [(name: String, value: String)] {
        var table: [(name: String, value: String)] = []
        if let record {
            table += [
                ("engine", record.engine), ("round", record.round), ("plugin", record.plugin),
                ("workload version", record.workloadVersion), ("host version", record.host), ("system", record.system),
                ("device", record.device), ("device count", "\(record.deviceCount)"),
                ("devices per instance", "\(record.devicesPerInstance)"), ("sharing", record.sharing),
                ("model", record.model),
                ("dataset", record.dataset), ("user.conf", record.userConf),
            ]
            if case .object(let options) = record.options {
                for (name, value) in options { table.append(("option \(name)", Self.shown(value))) }
            }
        }
        for entry in log?.entries ?? []
        where entry.key.hasPrefix("effective_") || entry.key.hasPrefix("requested_server_t") {
            let name = String(entry.key.drop { $0 != "_" }.dropFirst())
            // Of several parts of a run the last one counts, as everywhere on the page.
            if let place = table.firstIndex(where: { $0.name == name }) {
                table[place].value = Self.shown(entry.value)
            } else {
                table.append((name, Self.shown(entry.value)))
            }
        }
        if record == nil, let version = text("loadgen_version") { table.append(("loadgen version", version)) }
        return table.filter { !$0.value.isEmpty }
    }

    private static func shown(_ value: JSON) -> String {
        if case .string(let text) = value { return text }
        if case .number(let number) = value { return Quantity.exact(number) }
        return value.text()
    }
}
