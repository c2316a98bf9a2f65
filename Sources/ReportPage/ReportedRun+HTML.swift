internal import JSON
internal import RunRecords

extension ReportedRun {
    /// The run's section of the page.
    func markup(isAlone: Bool) -> String {
        var page = "<section id=\"run-\(label)\"><div class=\"head\">\(verdict.badge(isBig: true))"
        if !isAlone { page += key }
        page += "<h2>\(Markup.escape(heading, limit: 200))</h2></div>"
        page += "<p class=\"sub\">\(Markup.escape(subheading, limit: 600))</p>"
        page += reasonList + tiles + checkTable + percentileTable
        if let accuracy { page += "<h3>Accuracy</h3><pre>\(Markup.escape(accuracy, limit: 4000))</pre>" }
        page += charts + particulars + problems
        if !notes.isEmpty {
            page += "<ul class=\"notes\">"
            for note in notes { page += "<li>\(Markup.escape(note, limit: 600))</li>" }
            page += "</ul>"
        }
        return page + "</section>\n"
    }

    private var heading: String {
        let words = [benchmark, scenario, shortMode].filter { !$0.isEmpty }
        return words.joined(separator: " · ")
    }

    private var subheading: String {
        var words = [system]
        if let record {
            let device = record.device.isEmpty ? "" : "\(record.deviceCount) × \(record.device)"
            words += [device, record.sharingSentence, record.round, "engine \(record.engine)"]
        } else if let version = text("loadgen_version") {
            words.append("LoadGen \(version)")
        }
        words += [date, folder]
        return words.filter { !$0.isEmpty }.joined(separator: " · ")
    }

    private var reasonList: String {
        let reasons = reasons
        guard !reasons.isEmpty else { return "" }
        let tone = verdict.isGood || verdict == .noResult ? " flat" : ""
        var page = "<ul class=\"reasons\(tone)\">"
        for reason in reasons { page += "<li>\(Markup.escape(reason, limit: 1000))</li>" }
        return page + "</ul>"
    }

    private var tiles: String {
        let metrics = metrics
        guard !metrics.isEmpty else { return "" }
        var page = "<div class=\"tiles\">"
        for metric in metrics {
            page += "<div class=\"tile\(metric.isPrimary ? " primary" : "")\" data-metric=\"\(metric.id)\">"
            page += "<b>\(Markup.escape(metric.name))</b>\(metric.value.largeMarkup)"
            page += "<small>\(Markup.escape(metric.context))</small></div>"
        }
        return page + "</div>"
    }

    private var checkTable: String {
        let checks = checks
        guard !checks.isEmpty else { return "" }
        var page =
            "<h3>Conditions of validity</h3><div class=\"scroll\"><table class=\"checks\"><thead><tr><th>Condition</th>"
        page += "<th class=\"t\">Met</th><th>Measured</th><th>Limit</th><th>Margin</th><th class=\"gauge\"></th>"
        page += "<th class=\"t w\"></th></tr></thead><tbody>"
        for check in checks {
            page += "<tr><th>\(Markup.escape(check.name))</th><td class=\"t\">"
            switch check.isMet {
            case true?: page += "<span class=\"good\">✓ <i>yes</i></span>"
            case false?: page += "<span class=\"bad\">✗ <i>no</i></span>"
            case nil: page += "–"
            }
            page += "</td><td>\(check.measured?.markup ?? "–")</td><td>"
            if let limit = check.limit, limit.value > 0 {
                page += "<small>\(check.relation == .atMost ? "≤" : "≥")</small> \(limit.markup)"
            } else {
                page += check.limit == nil ? "–" : "<span class=\"soft\">none</span>"
            }
            page += "</td><td>"
            if let margin = check.margin, let text = check.marginText {
                page += "<span class=\"\(margin < 0 ? "bad" : "")\">\(text)</span>"
            } else {
                page += "–"
            }
            page += "</td><td class=\"gauge\">\(gauge(check))</td>"
            page += "<td class=\"w soft\">\(Markup.escape(check.remark))</td></tr>"
        }
        return page + "</tbody></table></div>"
    }

    /// A bar as long as the measured value, with a stroke at the limit.
    private func gauge(_ check: LimitCheck) -> String {
        guard let measured = check.measured?.value, let limit = check.limit?.value, limit > 0 else { return "" }
        // The limit stands at three quarters unless the value is beyond reach on either side.
        let reach = max(limit / 0.75, min(measured, limit * 4))
        func percent(_ value: Double) -> String { "\(Int((min(1, max(0, value / reach)) * 100).rounded()))%" }
        let over = (check.margin ?? 0) < 0 ? " class=\"over\"" : ""
        return "<span class=\"bar\"><i\(over) style=\"width:\(percent(measured))\"></i>"
            + "<u style=\"left:\(percent(limit))\"></u></span>"
    }

    private var percentileTable: String {
        let rows = percentileRows
        guard !rows.isEmpty else { return "" }
        var page =
            "<h3>Percentiles</h3><div class=\"scroll\"><table class=\"percentiles\"><thead><tr><th></th><th>min</th>"
        page += "<th>mean</th>"
        for percentile in Distribution.reported { page += "<th>\(percentile.name)</th>" }
        page += "<th>max</th><th>limit</th></tr></thead><tbody>"
        for row in rows {
            let middle = row.percentiles.first.flatMap(\.self).flatMap { $0 > 0 ? $0 : nil } ?? row.most ?? 1
            let scale = Quantity.timeScale(for: middle)
            let inScale = middle / scale.size
            let decimals = scale.size == 1 ? 0 : inScale >= 100 ? 1 : inScale >= 10 ? 2 : 3
            func cell(_ value: Double?, _ classes: String = "") -> String {
                guard let value else { return "<td>–</td>" }
                let shown = Quantity.grouped(Quantity.fixed(value / scale.size, decimals))
                return "<td\(classes)>\(Markup.data(shown, exact: Quantity.exact(value)))</td>"
            }
            page += "<tr data-kind=\"\(row.kind.rawValue)\"><th>\(row.kind.name) <small>\(scale.symbol)</small></th>"
            page += cell(row.least) + cell(row.mean)
            for (percentile, value) in zip(Distribution.reported, row.percentiles) {
                let isJudged = row.limit.map { abs($0.share - percentile.share) < 1e-9 } ?? false
                let isOver = isJudged && (value ?? 0) > Double(row.limit?.time ?? 0)
                page += cell(value, isJudged ? " class=\"at \(isOver ? "bad" : "good")\"" : "")
            }
            page += cell(row.most)
            if let limit = row.limit {
                page += "<td><small>\(Self.percentileName(limit.share)) ≤</small> "
                page += "\(Quantity(Double(limit.time), .nanoseconds).markup)</td></tr>"
            } else {
                page += "<td class=\"soft\">none</td></tr>"
            }
        }
        return page + "</tbody></table></div>"
    }

    /// The run as the charts want it.
    func charted(name: String) -> ChartedRun? {
        guard let series, series.completedCount > 0 else { return nil }
        return ChartedRun(
            name: name,
            colour: colour,
            series: series,
            targetShare: targetShare ?? (logScenario == "SingleStream" ? 0.9 : 0.99),
            latencyLimit: latencyLimit,
            firstTokenLimit: firstTokenLimit,
            outputTokenLimit: outputTokenLimit
        )
    }

    private var charts: String {
        guard let run = charted(name: "run \(label)") else { return "" }
        let plots = RunCharts(runs: [run]).plots
        return "<h3>Over the run</h3><div class=\"charts solo\">\n" + plots.map(\.markup).joined() + "</div>"
    }

    private var particulars: String {
        var rows: [(name: String, value: String)] = []
        if let record {
            if !record.words.isEmpty { rows.append(("command", "host " + record.words.joined(separator: " "))) }
            rows.append(("started", record.started))
            rows.append(("ended", record.ended))
            if let resources = record.resources {
                rows.append(("resources", "\(resources.checkedFiles) files compared with \(resources.manifest)"))
            }
            if !record.audit.isEmpty { rows.append(("compliance test", record.audit)) }
        }
        rows.append(("test mode", mode))
        rows += settingsTable.filter { $0.name != "test_mode" }
        guard rows.count > 1 else { return "" }
        var page = "<details><summary>Command, options and settings</summary><dl>"
        for (name, value) in rows where !value.isEmpty {
            let shown = Markup.escape(value, limit: 1000)
            page += "<dt>\(Markup.escape(name, limit: 80))</dt>"
            page += name == "command" ? "<dd><code>\(shown)</code></dd>" : "<dd>\(shown)</dd>"
        }
        return page + "</dl></details>"
    }

    /// Errors and warnings of the log.
    private var problems: String {
        guard let log else { return "" }
        let errors = log.errors
        let warnings = log.warnings
        guard !errors.isEmpty || !warnings.isEmpty else { return "" }
        func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
        var page =
            "<details\(errors.isEmpty ? "" : " open=\"open\"")><summary>The log has \(count(errors.count, "error"))"
        page += " and \(count(warnings.count, "warning"))</summary><pre>"
        for entry in errors.prefix(20) + warnings.prefix(20) {
            let text = entry.string ?? entry.value.text()
            page += "line \(entry.line), \(entry.isError ? "error" : "warning"): \(Markup.escape(text, limit: 600))\n"
        }
        let hidden = max(0, errors.count - 20) + max(0, warnings.count - 20)
        if hidden > 0 { page += "and \(hidden) more\n" }
        return page + "</pre></details>"
    }
}
