public import JSON
internal import RunRecords

extension ReportPage {
    /// The numbers of the page for programs; times in nanoseconds, shares as fractions of one.
    public var json: JSON {
        [
            "title": .string(title),
            "runs": .array(runs.map(\.json)),
            "comparisons": .array(comparisons.map(\.json)),
        ]
    }
}

extension ReportedRun {
    fileprivate var json: JSON {
        var members: [(String, JSON)] = [
            ("label", .string(label)), ("folder", .string(folder)), ("verdict", .string(verdict.rawValue)),
            ("benchmark", .string(benchmark)), ("scenario", .string(scenario)), ("mode", .string(mode)),
            ("system", .string(system)), ("date", .string(date)),
            ("reasons", .array(reasons.map { .string($0) })),
            ("metrics", .array(metrics.map(\.json))),
            ("checks", .array(checks.map(\.json))),
            ("percentiles", .array(percentileRows.map(\.json))),
            ("notes", .array(notes.map { .string($0) })),
        ]
        if let accuracy { members.append(("accuracy", .string(accuracy))) }
        return .object(JSONObject(members))
    }
}

extension Quantity {
    fileprivate var json: JSON { value.isFinite ? Int64(exactly: value).map { .integer($0) } ?? .number(value) : .null }
}

extension Metric {
    fileprivate var json: JSON {
        [
            "id": .string(id), "name": .string(name), "value": value.json, "unit": .string(value.unit.rawValue),
            "is_primary": .bool(isPrimary), "context": .string(context),
        ]
    }
}

extension LimitCheck {
    fileprivate var json: JSON {
        [
            "name": .string(name), "relation": .string(relation.rawValue), "measured": measured?.json ?? .null,
            "limit": limit?.json ?? .null, "unit": .string((limit ?? measured)?.unit.rawValue ?? ""),
            "is_met": isMet.map { .bool($0) } ?? .null, "margin": margin.map { .number($0) } ?? .null,
            "remark": .string(remark),
        ]
    }
}

extension PercentileRow {
    fileprivate var json: JSON {
        func value(_ number: Double?) -> JSON { number.map { Quantity($0, .nanoseconds).json } ?? .null }
        var members: [(String, JSON)] = [
            ("kind", .string(kind.rawValue)), ("min", value(least)), ("mean", value(mean)),
        ]
        for (percentile, number) in zip(Distribution.reported, percentiles) {
            members.append((percentile.name, value(number)))
        }
        members += [
            ("max", value(most)), ("limit", value(limit.map { Double($0.time) })),
            ("limit_share", limit.map { .number($0.share) } ?? .null),
        ]
        return .object(JSONObject(members))
    }
}

extension Comparison {
    fileprivate var json: JSON {
        [
            "title": .string(title), "runs": .array(runs.map { .string($0.label) }),
            "rows": .array(
                rows.map { row in
                    [
                        "id": .string(row.id), "name": .string(row.name),
                        "values": .array(row.values.map { $0?.json ?? .null }),
                        "differences": .array(
                            row.values.indices.map { row.difference($0).map { .number($0) } ?? .null }
                        ),
                    ]
                }
            ),
            "settings": .array(
                settings.map { ["name": .string($0.name), "values": .array($0.values.map { .string($0) })] }
            ),
        ]
    }
}
