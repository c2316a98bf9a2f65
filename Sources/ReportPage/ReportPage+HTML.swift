internal import RunRecords

extension ReportPage {
    /// The page: one file that loads nothing, well-formed as XML, readable without scripts.
    public var html: String {
        var page = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"/><title>\(Markup.escape(title, limit: 200))</title>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
            script-src 'unsafe-inline'"/>
            <style>
            \(Stylesheet.text)
            </style></head><body>
            <header><h1>\(Markup.escape(title, limit: 200))</h1>

            """
        page += "<p class=\"soft\">\(Markup.escape(subtitle))</p></header>\n<main>\n"
        if runs.count > 1 { page += overview }
        for comparison in comparisons { page += comparison.markup }
        for run in runs { page += run.markup(isAlone: runs.count == 1) }
        page += "</main>\n<footer>"
        let foot = [madeBy.isEmpty ? "" : "Made by \(madeBy)", made, "Percentiles by LoadGen's rule: element ⌊n·p⌋."]
        page += "<p>\(Markup.escape(foot.filter { !$0.isEmpty }.joined(separator: " · ")))</p></footer>\n"
        page += "<script>/*<![CDATA[*/\n\(HoverScript.text)\n/*]]>*/</script>\n</body></html>\n"
        return page
    }

    private var subtitle: String {
        if runs.count == 1, let run = runs.first { return run.folder }
        let verdicts = runs.map(\.verdict)
        let counts = [
            ReportedRun.Verdict.valid, .accuracy, .invalid, .pluginFault, .failed, .noResult,
        ].compactMap { verdict -> String? in
            let count = verdicts.count { $0 == verdict }
            return count == 0 ? nil : "\(count) \(verdict.rawValue)"
        }
        return counts.joined(separator: ", ")
    }

    private var overview: String {
        var page =
            "<section id=\"overview\"><h2>Runs</h2><div class=\"scroll\"><table><thead><tr><th class=\"t\">Run</th>"
        page += "<th class=\"t\">Result</th><th class=\"t\">Benchmark</th><th class=\"t\">Scenario</th><th>Metric</th>"
        page +=
            "<th class=\"t\">Tightest limit</th><th class=\"t\">System</th><th class=\"t\">Date</th></tr></thead><tbody>"
        for run in runs {
            page +=
                "<tr><th>\(run.key) <a href=\"#run-\(run.label)\">\(Markup.escape(run.name, limit: 60))</a></th>"
            page += "<td class=\"t\">\(run.verdict.badge)</td>"
            page += "<td class=\"t\">\(Markup.escape(run.benchmark.isEmpty ? "–" : run.benchmark, limit: 40))</td>"
            page +=
                "<td class=\"t\">\(Markup.escape(run.scenario, limit: 20)) <small>\(Markup.escape(run.shortMode))</small></td>"
            let metric = run.metrics.first(where: \.isPrimary)?.value
            page += "<td>\(metric?.markup ?? "–")</td>"
            page += "<td class=\"t\">\(run.tightest)</td>"
            page += "<td class=\"t\">\(Markup.escape(run.system, limit: 40))</td>"
            page += "<td class=\"t\">\(Markup.escape(run.date, limit: 30))</td></tr>"
        }
        return page + "</tbody></table></div></section>\n"
    }
}

extension ReportedRun.Verdict {
    /// The word on its ground.
    var badge: String { badge(isBig: false) }

    func badge(isBig: Bool) -> String {
        let tone = self == .valid ? "good" : self == .accuracy || self == .noResult ? "flat" : "bad"
        return "<span class=\"badge \(tone)\(isBig ? " big" : "")\">\(rawValue)</span>"
    }
}

extension ReportedRun {
    /// The run's letter on the colour that it has in comparisons.
    var key: String { "<span class=\"key c\(colour)\">\(label)</span>" }

    var shortMode: String {
        switch mode {
        case "PerformanceOnly": ""
        case "AccuracyOnly": "accuracy"
        default: mode
        }
    }

    /// The condition with the least margin, in a few words.
    fileprivate var tightest: String {
        let all = checks.compactMap { check in check.margin.map { (check, $0) } }
        // A run is as long as it has to be; how near its latencies are to their limits is what tells runs apart.
        let broken = all.filter { $0.1 < 0 }
        let latencies = all.filter { $0.0.relation == .atMost }
        let judged = !broken.isEmpty ? broken : !latencies.isEmpty ? latencies : all
        guard let (check, margin) = judged.min(by: { $0.1 < $1.1 }) else { return "–" }
        let tone = margin < 0 ? "bad" : ""
        return "\(Markup.escape(check.name)) <span class=\"\(tone)\">\(check.marginText ?? "")</span>"
    }
}
