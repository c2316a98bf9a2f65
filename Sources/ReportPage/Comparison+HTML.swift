internal import RunRecords

extension Comparison {
    /// The section that shows the runs side by side.
    var markup: String {
        var page = "<section class=\"comparison\"><h2>Side by side: \(Markup.escape(title, limit: 120))</h2>"
        page += "<p class=\"sub\">Differences are to run \(runs.first?.label ?? "A").</p>"
        page += "<div class=\"pair\"><div class=\"scroll\"><table class=\"sides\"><thead><tr><th></th>"
        for run in runs {
            page +=
                "<th colspan=\"2\">\(run.key) <a href=\"#run-\(run.label)\">\(Markup.escape(run.name, limit: 40))</a></th>"
        }
        page += "</tr></thead><tbody><tr><th>Result</th>"
        for run in runs { page += "<td>\(run.verdict.badge)</td><td></td>" }
        page += "</tr>"
        for row in rows {
            page +=
                "<tr data-row=\"\(row.id)\"><th>\(row.isPrimary ? "<b>\(Markup.escape(row.name))</b>" : Markup.escape(row.name))</th>"
            for place in runs.indices { page += cell(row, place) }
            page += "</tr>"
        }
        page += "</tbody></table></div>"
        page += differences + "</div>" + charts
        return page + "</section>\n"
    }

    private func cell(_ row: Row, _ place: Int) -> String {
        guard let value = row.values[place] else { return "<td>–</td><td></td>" }
        guard let difference = row.difference(place) else { return "<td>\(value.markup)</td><td></td>" }
        var tone = ""
        var sign = ""
        if let isBetterHigh = row.isBetterHigh, abs(difference) >= 0.0005 {
            tone = (difference > 0) == isBetterHigh ? "better" : "worse"
            sign = tone == "better" ? "▲ " : "▼ "
        }
        let shown =
            difference > 2
            ? "×" + Quantity.digits(difference + 1, significant: 3) : Quantity.percent(difference, signed: true)
        return "<td>\(value.markup)</td><td class=\"d\"><small class=\"\(tone)\">"
            + "\(abs(difference) < 0.00005 ? "=" : sign + shown)</small></td>"
    }

    private var differences: String {
        guard !settings.isEmpty else { return "" }
        var page =
            "<div><h3>Settings that differ</h3><div class=\"scroll\"><table class=\"settings\"><thead><tr><th></th>"
        for run in runs { page += "<th>\(run.label)</th>" }
        page += "</tr></thead><tbody>"
        for setting in settings.prefix(60) {
            page += "<tr><th>\(Markup.escape(setting.name, limit: 60))</th>"
            for value in setting.values { page += "<td class=\"v\">\(Markup.escape(value, limit: 120))</td>" }
            page += "</tr>"
        }
        return page + "</tbody></table></div></div>"
    }

    private var charts: String {
        let shown = runs.prefix(RunCharts.most).compactMap { $0.charted(name: $0.label) }
        guard shown.count > 1 else { return "" }
        var page = "<h3>Over each other</h3>"
        if runs.count > RunCharts.most {
            page += "<p class=\"sub\">The first \(RunCharts.most) of \(runs.count) runs.</p>"
        }
        return page + "<div class=\"charts\">\n" + RunCharts(runs: shown).plots.map(\.markup).joined() + "</div>"
    }
}
