internal import Glibc

/// A number with its unit, which decides how it is written.
struct Quantity: Equatable, Sendable {
    /// What a number counts.
    enum Unit: String, Sendable {
        /// Nanoseconds, written with the SI prefix that suits.
        case nanoseconds = "ns"
        case samplesPerSecond = "samples/s"
        case tokensPerSecond = "tokens/s"
        case queries
        case samples
        case tokens
        /// A share, written in percent.
        case share
    }

    var value: Double
    var unit: Unit

    init(_ value: Double, _ unit: Unit) {
        self.value = value
        self.unit = unit
    }

    /// As people read it: `1.83 s`, `1 407.0 tokens/s`, `24 576 samples`.
    var text: String {
        guard value.isFinite else { return "–" }
        switch unit {
        case .nanoseconds: return Quantity.duration(value)
        case .samplesPerSecond, .tokensPerSecond: return Quantity.digits(value, significant: 5) + " " + unit.rawValue
        case .queries: return Quantity.digits(value, significant: 16) + (value == 1 ? " query" : " queries")
        case .samples: return Quantity.digits(value, significant: 16) + (value == 1 ? " sample" : " samples")
        case .tokens: return Quantity.digits(value, significant: 16) + (value == 1 ? " token" : " tokens")
        case .share: return Quantity.percent(value)
        }
    }

    /// As programs read it, in the unit's own scale.
    var exact: String { Quantity.exact(value) }

    /// The text with the exact number behind it.
    var markup: String { Markup.data(text, exact: exact) }

    /// The same with the unit set apart, for large type.
    var largeMarkup: String {
        let text = text
        guard let space = text.lastIndex(where: { $0 == " " || $0 == "\u{202F}" }) else { return markup }
        let unit = text[text.index(after: space)...]
        return "<data value=\"\(exact)\" title=\"\(exact)\">\(Markup.escape(text[..<space]))"
            + " <small>\(Markup.escape(unit))</small></data>"
    }

    /// Shortest text that reads back as the number; whole numbers without a fraction.
    static func exact(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }

    /// Scales of time: nanoseconds in one, and the symbol.
    static let timeScales: [(size: Double, symbol: String)] = [(1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]

    /// The scale in which a time has one to three digits before the point.
    static func timeScale(for nanoseconds: Double) -> (size: Double, symbol: String) {
        timeScales.last { abs(nanoseconds) >= $0.size * 0.9995 } ?? (1, "ns")
    }

    /// A time to three digits: `1.83 s`, `279 µs`, `600 s`.
    static func duration(_ nanoseconds: Double) -> String {
        let scale = timeScale(for: nanoseconds)
        return digits(nanoseconds / scale.size, significant: 3) + "\u{202F}" + scale.symbol
    }

    /// A share in percent: `8.5 %`, `0.03 %`.
    static func percent(_ share: Double, signed: Bool = false) -> String {
        guard share.isFinite else { return "–" }
        let value = share * 100
        let decimals = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
        let text = grouped(fixed(abs(value), decimals))
        let sign = value < 0 ? "−" : signed && value > 0 ? "+" : ""
        return sign + text + "\u{202F}%"
    }

    /// A number to so many digits, thousands apart; whole numbers keep all their digits.
    static func digits(_ value: Double, significant: Int) -> String {
        guard value.isFinite else { return "–" }
        guard value != 0 else { return "0" }
        if value == value.rounded(), abs(value) < 1e15 { return grouped(fixed(value, 0)) }
        let magnitude = Int(log10(abs(value)).rounded(.down)) + 1
        return grouped(fixed(value, max(0, min(12, significant - magnitude))))
    }

    /// A number with so many decimals.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e18 else { return "\(value)" }
        var buffer = [CChar](repeating: 0, count: 64)
        let length = withVaList([CInt(clamping: decimals), value]) { vsnprintf(&buffer, buffer.count, "%.*f", $0) }
        return String(decoding: buffer.prefix(max(0, Int(length))).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Digits before the point in groups of three, parted by a narrow space, from 10 000 on.
    static func grouped(_ text: String) -> String {
        let negative = text.hasPrefix("-")
        let body = negative ? text.dropFirst() : text[...]
        let point = body.firstIndex(of: ".") ?? body.endIndex
        let whole = Array(body[..<point])
        guard whole.count > 4, whole.allSatisfy(\.isNumber) else { return (negative ? "−" : "") + body }
        var result = ""
        for (place, digit) in whole.enumerated() {
            if place > 0, (whole.count - place) % 3 == 0 { result += "\u{202F}" }
            result.append(digit)
        }
        return (negative ? "−" : "") + result + body[point...]
    }
}
