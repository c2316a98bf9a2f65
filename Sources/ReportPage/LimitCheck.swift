internal import RunRecords

/// One condition of validity: what was measured, what is required, and how far the two are apart.
struct LimitCheck: Sendable {
    enum Relation: String, Sendable {
        case atMost = "at most"
        case atLeast = "at least"
    }

    /// What is limited: `TTFT p99`, `Duration`.
    var name: String
    var measured: Quantity?
    var limit: Quantity?
    var relation: Relation
    /// Whether it holds, as the log says; nil where nobody judged.
    var isMet: Bool?
    /// How the number came about, or why there is none.
    var remark = ""

    /// The distance to the limit as a share of it; negative where the limit is broken, nil without a limit or a number.
    var margin: Double? {
        guard let measured, let limit, limit.value > 0 else { return nil }
        let distance = (measured.value - limit.value) / limit.value
        return relation == .atMost ? -distance : distance
    }

    /// The margin for readers: `+8.5 %`, or the factor where it is more than twice the limit.
    var marginText: String? {
        guard let margin, let measured, let limit else { return nil }
        guard abs(margin) > 2 else { return Quantity.percent(margin, signed: true) }
        return "×" + Quantity.digits(measured.value / limit.value, significant: 3)
    }

    /// What is wrong in words, such as "TTFT p99: 2.31 s, allowed: at most 2 s (15.5 % over).".
    var sentence: String {
        guard let measured, let limit else { return "\(name): not met. \(remark)" }
        let bound = relation == .atMost ? "allowed: at most \(limit.text)" : "required: at least \(limit.text)"
        guard let margin else { return "\(name): \(measured.text), \(bound)." }
        let distance =
            abs(margin) > 2
            ? "\(marginText ?? "") of it" : Quantity.percent(abs(margin)) + (relation == .atMost ? " over" : " short")
        return "\(name): \(measured.text), \(bound) (\(distance))."
    }
}

extension ReportedRun {
    /// Every condition of validity that this run is under.
    var checks: [LimitCheck] {
        guard hasResult else { return [] }
        return latencyChecks + [durationCheck, queryCheck] + earlyStoppingChecks
    }

    private var latencyChecks: [LimitCheck] {
        guard logScenario == "Server" else { return [] }
        let share = targetShare ?? 0.99
        let name = Self.percentileName(share)
        func check(_ kind: LatencyKind, _ limit: Int64?, _ summary: Distribution.Summary?) -> LimitCheck {
            var check = LimitCheck(name: "\(kind.shortName) \(name)", relation: .atMost)
            check.limit = limit.map { Quantity(Double($0), .nanoseconds) }
            let measured = number(kind.key(forShare: share)) ?? summary.map { Double($0.atTarget) }
            check.measured = measured.map { Quantity($0, .nanoseconds) }
            if let measured, let limit { check.isMet = measured <= Double(limit) }
            if measured == nil { check.remark = "the log does not report \(name)" }
            if let summary, let above = summary.above {
                let part = Double(above) / Double(max(1, summary.count))
                check.remark = "\(Quantity(Double(above), .samples).text) over the limit (\(Quantity.percent(part)))"
            }
            return check
        }
        if usesTokenLatencies {
            return [
                check(.firstToken, firstTokenLimit, series?.firstToken),
                check(.outputToken, outputTokenLimit, series?.outputToken),
            ]
        }
        return [check(.sample, latencyLimit, series?.latency)]
    }

    /// The time that LoadGen compares with the least duration: until the last answer (Offline), until the last query was
    /// due (Server) or issued.
    var judgedDuration: (nanoseconds: Double, remark: String)? {
        switch logScenario {
        case "Offline":
            return number("result_max_latency_ns").map { ($0, "until the last answer") }
        case "Server":
            if let series { return (Double(series.lastScheduled), "until the last query was due") }
            return duration(ofRate: "result_scheduled_samples_per_sec").map { ($0, "until the last query was due") }
        default:
            if let series { return (Double(series.lastIssued), "until the last query was issued") }
            return duration(ofRate: "result_qps_with_loadgen_overhead").map { ($0, "until the last query was issued") }
        }
    }

    private func duration(ofRate key: String) -> Double? {
        guard let rate = number(key), rate > 0, let count = number("result_query_count"), count > 1 else { return nil }
        return (count - 1) / rate * 1e9
    }

    private var durationCheck: LimitCheck {
        var check = LimitCheck(name: "Duration", relation: .atLeast, isMet: flag("result_min_duration_met"))
        check.limit = number("effective_min_duration_ms").map { Quantity($0 * 1e6, .nanoseconds) }
        if let (nanoseconds, remark) = judgedDuration {
            check.measured = Quantity(nanoseconds, .nanoseconds)
            check.remark = remark
        } else {
            check.remark = "the log does not report it"
        }
        return check
    }

    private var queryCheck: LimitCheck {
        var check = LimitCheck(name: "Queries", relation: .atLeast, isMet: flag("result_min_queries_met"))
        if logScenario == "Offline" {
            // Offline issues one query; its rule counts samples.
            check.name = "Samples"
            check.limit = number("effective_min_sample_count").map { Quantity($0, .samples) }
            let issued = number("generated_query_count").flatMap { queries in
                number("generated_samples_per_query").map { queries * $0 }
            }
            check.measured = (series.map { Double($0.completedCount) } ?? issued).map { Quantity($0, .samples) }
        } else {
            check.limit = number("effective_min_query_count").map { Quantity($0, .queries) }
            check.measured = number("result_query_count").map { Quantity($0, .queries) }
        }
        return check
    }

    private var earlyStoppingChecks: [LimitCheck] {
        guard logScenario != "Offline" else { return [] }
        let texts =
            usesTokenLatencies
            ? [
                ("Early stopping, TTFT", "early_stopping_ttft_result"),
                ("Early stopping, TPOT", "early_stopping_tpot_result"),
            ]
            : [("Early stopping", "early_stopping_result")]
        return texts.compactMap { name, key in
            text(key).map { text in
                var check = earlyStopping(name, text)
                if check.limit == nil, check.isMet != nil { addNeeded(to: &check, overLimit(of: key)) }
                return check
            }
        }
    }

    /// Samples over the limit that an early stopping key judges; nil where nothing tells.
    private func overLimit(of key: String) -> Int? {
        switch key {
        case "early_stopping_ttft_result": return series?.firstToken?.above
        case "early_stopping_tpot_result": return series?.outputToken?.above
        default: return number("result_overlatency_query_count").flatMap { Int(exactly: $0) }
        }
    }

    /// How many queries so many over the limit ask for, by MLPerf's rule; the log says so only where they are too few.
    private func addNeeded(to check: inout LimitCheck, _ over: Int?) {
        guard logScenario == "Server", let over, over >= 0, over < 1 << 24, let share = targetShare else { return }
        let needed = EarlyStopping(percentile: share).leastUnder(over: over) + over
        check.limit = Quantity(Double(needed), .queries)
        check.remark = "needed with \(over) over the limit, for 99 % confidence"
    }

    /// Reads LoadGen's words on early stopping.
    private func earlyStopping(_ name: String, _ text: String) -> LimitCheck {
        let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var check = LimitCheck(name: name, relation: .atLeast)
        let issued = number("result_query_count")
        check.measured = issued.map { Quantity($0, .queries) }
        if words.contains("Run successful") {
            check.isMet = true
            check.remark = "enough queries for the percentile at 99 % confidence"
        } else if let more = Self.number(after: "run at least ", in: words), let issued {
            check.isMet = false
            check.limit = Quantity(issued + more, .queries)
            check.remark = "if every further query keeps the limit"
        } else if let needed = Self.number(after: "process at least ", in: words), words.hasPrefix("* Only") {
            check.isMet = false
            check.limit = Quantity(needed, .queries)
        } else if let needed = Self.number(after: "Processed at least ", in: words) {
            check.isMet = true
            check.limit = Quantity(needed, .queries)
            if let estimate = Self.number(after: "percentile estimate: ", in: words) {
                check.remark = "early stopping estimate \(Quantity.duration(estimate))"
            }
        } else if words.isEmpty {
            check.remark = "not looked at, since the output tokens failed"
        } else {
            check.remark = words
        }
        return check
    }

    private static func number(after words: String, in text: String) -> Double? {
        var rest = text[...]
        while !rest.isEmpty {
            if rest.hasPrefix(words) {
                let digits = rest.dropFirst(words.count).prefix { $0.isASCII && $0.isNumber }
                if let value = Double(digits) { return value }
            }
            rest = rest.dropFirst()
        }
        return nil
    }
}
