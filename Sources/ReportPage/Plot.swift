/// One chart: curves over two axes, with lines for limits and percentiles.
///
/// The drawing is an SVG of 1000 × 1000 units stretched over its box; lines keep their width by `vector-effect`.  Labels
/// are text of the page beside it, placed in percent, so that they are as large on a telephone as on a wall.
struct Plot: Sendable {
    enum Style: Sendable {
        /// A line, dashed by the run's number so that runs differ without colour.
        case line
        /// A line over a filled ground.
        case area
        /// A filled region: the points go there and back.
        case band
        /// Round dots.
        case dots
    }

    struct Series: Sendable {
        /// For the legend and the pointer.
        var name: String
        /// Which colour of the palette.
        var colour: Int
        var style: Style
        var points: [(x: Double, y: Double)]
        /// For curves that jump a lot.
        var isThin = false
    }

    /// A line across the plot.
    struct Rule: Sendable {
        enum Kind: String, Sendable {
            case limit
            case mark
        }

        var value: Double
        var label: String
        var kind: Kind
        var isVertical: Bool
        var colour = 0
    }

    var title: String
    var subtitle = ""
    var x: Axis
    var y: Axis
    var series: [Series] = []
    var rules: [Rule] = []
    var cells: (cells: [TimeMap.Cell], columns: Int, rows: Int)?
    /// Whether the legend is shown, which one curve does not need.
    var hasLegend: Bool { Set(series.filter { $0.style != .band }.map(\.name)).count > 1 }

    /// The chart as markup.
    var markup: String {
        var page = "<figure class=\"chart\"><figcaption><b>\(Markup.escape(title))</b>"
        if !subtitle.isEmpty { page += " <span>\(Markup.escape(subtitle))</span>" }
        page += "</figcaption>\n"
        if hasLegend { page += legend }
        let rows = verticalLabels
        let top = rows.count > 0 ? " style=\"padding-top:\(rows.rowCount * 15 + 2)px\"" : ""
        page += "<p class=\"ytitle\">\(Markup.escape(y.title))</p><div class=\"box\"\(top)>"
        page += "<div class=\"plot\" data-x=\"\(attribute(x))\" data-y=\"\(attribute(y))\">"
        page += drawing
        for tick in y.ticks {
            page +=
                "<span class=\"y\" style=\"bottom:\(percent(y.position(tick.value)))\">\(Markup.escape(tick.label))</span>"
        }
        for (place, tick) in x.ticks.enumerated() {
            let minor = x.ticks.count > 5 && place % 2 == 1 ? " minor" : ""
            page += "<span class=\"x\(minor)\" style=\"left:\(percent(x.position(tick.value)))\">"
            page += "\(Markup.escape(tick.label))</span>"
        }
        page += rows.markup + horizontalLabels
        page += "</div></div><p class=\"xtitle\">\(Markup.escape(x.title))</p></figure>\n"
        return page
    }

    private var legend: String {
        var seen: Set<String> = []
        var page = "<ul class=\"legend\">"
        for line in series where line.style != .band && seen.insert(line.name).inserted {
            page +=
                "<li><svg viewBox=\"0 0 22 6\" aria-hidden=\"true\"><path class=\"c\(line.colour)\(line.isThin ? " thin" : "")\" d=\"M0 3H22\"/></svg>"
            page += "\(Markup.escape(line.name))</li>"
        }
        return page + "</ul>"
    }

    private var drawing: String {
        var page = "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\""
        page += "\(Markup.escape(title)): \(Markup.escape(y.title)) against \(Markup.escape(x.title))\">"
        var grid = ""
        for tick in y.ticks { grid += "M0 \(unit(1 - y.position(tick.value)))H1000" }
        for tick in x.ticks { grid += "M\(unit(x.position(tick.value))) 0V1000" }
        page += "<path class=\"grid\" d=\"\(grid)\"/>"
        if let cells { page += heat(cells.cells, cells.columns, cells.rows, series.first?.colour ?? 0) }
        for line in series { page += draw(line) }
        for rule in rules {
            let axis = rule.isVertical ? x : y
            guard axis.low...axis.high ~= rule.value else { continue }
            let place = unit(rule.isVertical ? x.position(rule.value) : 1 - y.position(rule.value))
            let path = rule.isVertical ? "M\(place) 0V1000" : "M0 \(place)H1000"
            page += "<path class=\"\(rule.kind.rawValue) c\(rule.colour)\" d=\"\(path)\"/>"
        }
        return page + "</svg>"
    }

    private func draw(_ line: Series) -> String {
        guard !line.points.isEmpty else { return "" }
        if line.style == .dots {
            var path = ""
            for point in line.points { path += "M\(place(point))h0" }
            return "<path class=\"dots c\(line.colour)\" d=\"\(path)\"/>"
        }
        let points = line.points.map { place($0) }.joined(separator: " ")
        switch line.style {
        case .band: return "<polygon class=\"band c\(line.colour)\" points=\"\(points)\"/>"
        case .area, .line, .dots:
            var page = ""
            if line.style == .area, let first = line.points.first, let last = line.points.last {
                let bottom = unit(1 - y.position(0))
                page +=
                    "<polygon class=\"band c\(line.colour)\" points=\"\(unit(x.position(first.x))),\(bottom) \(points) "
                page += "\(unit(x.position(last.x))),\(bottom)\"/>"
            }
            page +=
                "<polyline class=\"line\(line.isThin ? " thin" : "") c\(line.colour)\" data-name=\"\(Markup.escape(line.name))\" points=\"\(points)\"/>"
            return page
        }
    }

    /// Cells in five strengths, by the logarithm of their counts.
    private func heat(_ cells: [TimeMap.Cell], _ columns: Int, _ rows: Int, _ colour: Int) -> String {
        let most = cells.map(\.count).max() ?? 1
        var paths = [String](repeating: "", count: 5)
        let width = unit(1 / Double(columns))
        let height = unit(1 / Double(rows))
        for cell in cells {
            var level = 0
            var threshold = most
            while level < 4, cell.count < threshold {
                threshold /= 4
                level += 1
            }
            let left = unit(Double(cell.column) / Double(columns))
            let top = unit(1 - Double(cell.row + 1) / Double(rows))
            paths[4 - level] += "M\(left) \(top)h\(width)v\(height)h-\(width)z"
        }
        var page = ""
        for (level, path) in paths.enumerated() where !path.isEmpty {
            page += "<path class=\"heat c\(colour) h\(level + 1)\" d=\"\(path)\"/>"
        }
        return page
    }

    // MARK: - Labels of rules

    /// Labels of vertical lines stand above the plot, in as many rows as keep them apart.
    private var verticalLabels: (markup: String, count: Int, rowCount: Int) {
        let shown = rules.filter { $0.isVertical && x.low...x.high ~= $0.value }.sorted { $0.value < $1.value }
        var ends: [Double] = []
        var page = ""
        for rule in shown {
            let place = x.position(rule.value)
            // Seen on the narrowest screen, a character takes about 2 % of the width.
            let width = Double(rule.label.count) * 0.021 + 0.02
            let turnsLeft = place + width > 1
            let start = turnsLeft ? place - width : place
            let row = ends.firstIndex { $0 <= start } ?? ends.count
            if row == ends.count { ends.append(0) }
            ends[row] = max(ends[row], turnsLeft ? place : place + width)
            let side = turnsLeft ? " left" : ""
            page += "<span class=\"rule \(rule.kind.rawValue) c\(rule.colour)\(side)\" style=\"left:\(percent(place));"
            page += "top:-\((row + 1) * 15)px;height:\((row + 1) * 15)px\">\(Markup.escape(rule.label))</span>"
        }
        return (page, shown.count, ends.count)
    }

    private var horizontalLabels: String {
        var page = ""
        for rule in rules where !rule.isVertical && y.low...y.high ~= rule.value {
            let place = y.position(rule.value)
            let side = place > 0.9 ? " below" : ""
            page +=
                "<span class=\"level \(rule.kind.rawValue) c\(rule.colour)\(side)\" style=\"bottom:\(percent(place))\">"
            page += "\(Markup.escape(rule.label))</span>"
        }
        return page
    }

    // MARK: - Numbers

    private func attribute(_ axis: Axis) -> String {
        "\(axis.isLogarithmic ? "log" : "linear") \(axis.low) \(axis.high) \(axis.format)"
    }

    private func place(_ point: (x: Double, y: Double)) -> String {
        "\(unit(x.position(point.x))),\(unit(1 - y.position(point.y)))"
    }

    private func percent(_ share: Double) -> String { "\(tenths(share * 1000))%" }

    /// A place between 0 and 1 in units of the drawing, to a tenth.
    private func unit(_ share: Double) -> String { tenths(share * 10_000) }

    private func tenths(_ value: Double) -> String {
        let whole = Int(value.rounded())
        return whole % 10 == 0 ? "\(whole / 10)" : "\(whole / 10).\(abs(whole % 10))"
    }
}
