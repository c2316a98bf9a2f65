internal import Glibc

/// One axis of a chart: its range, its ticks and what they mean.
struct Axis: Sendable, Equatable {
    struct Tick: Sendable, Equatable {
        var value: Double
        var label: String
    }

    var low: Double
    var high: Double
    var isLogarithmic = false
    var ticks: [Tick] = []
    /// What is shown, with the unit.
    var title = ""
    /// How the reader's pointer is answered: `ns`, `percent` or `number`.
    var format = "number"

    /// The place of a value between 0 (low end) and 1.
    func position(_ value: Double) -> Double {
        let place: Double
        if isLogarithmic {
            guard value > 0 else { return 0 }
            place = (log10(value) - log10(low)) / (log10(high) - log10(low))
        } else {
            place = (value - low) / (high - low)
        }
        return place.isFinite ? min(1, max(0, place)) : 0
    }

    /// An axis of plain numbers from 0.
    static func numbers(to most: Double, title: String, isCount: Bool = false) -> Axis {
        var axis = Axis(low: 0, high: 1)
        axis.title = title
        let top = most.isFinite && most > 0 ? most * 1.06 : 1
        let step = isCount ? max(1, niceStep(top / 5)) : niceStep(top / 5)
        axis.high = top
        let decimals = step >= 1 ? 0 : Int((-log10(step)).rounded(.up))
        var value = 0.0
        while value <= top {
            axis.ticks.append(Tick(value: value, label: shortNumber(value, decimals: decimals)))
            value += step
        }
        return axis
    }

    /// An axis of shares from 0 to 100 %.
    static func shares(title: String) -> Axis {
        var axis = Axis(low: 0, high: 1)
        axis.ticks = [0, 0.25, 0.5, 0.75, 1].map { Tick(value: $0, label: Quantity.fixed($0 * 100, 0) + "\u{202F}%") }
        axis.title = title
        axis.format = "percent"
        return axis
    }

    /// An axis of times in nanoseconds; logarithmic where the largest is more than thirty times the smallest.
    static func times(from least: Int64, to most: Int64, fromZero: Bool = false, title: String = "") -> Axis {
        let top = Double(max(most, 1))
        let bottom = Double(max(least, 0))
        if bottom > 0, top / bottom > 30 {
            return logarithmicTimes(from: bottom, to: top, title: title)
        }
        var axis = Axis(low: 0, high: top * 1.05)
        if !fromZero, bottom > top * 0.5 {
            // A narrow range far from zero.
            let margin = max((top - bottom) * 0.08, top * 0.002)
            axis.low = max(0, bottom - margin)
            axis.high = top + margin
        }
        let scale = Quantity.timeScale(for: axis.high / 2)
        let step = niceStep((axis.high - axis.low) / scale.size / 5)
        let decimals = step >= 1 ? 0 : Int((-log10(step)).rounded(.up))
        var tick = (axis.low / scale.size / step).rounded(.up)
        while tick * step * scale.size <= axis.high {
            axis.ticks.append(
                Tick(value: tick * step * scale.size, label: Quantity.grouped(Quantity.fixed(tick * step, decimals)))
            )
            tick += 1
        }
        axis.title = "\(title) (\(scale.symbol))"
        axis.format = "ns"
        return axis
    }

    private static func logarithmicTimes(from bottom: Double, to top: Double, title: String) -> Axis {
        var axis = Axis(low: bottom / 1.15, high: top * 1.15, isLogarithmic: true)
        let decades = log10(axis.high / axis.low)
        let mantissas: [Double] = decades > 3.2 ? [1] : decades > 1.8 ? [1, 3] : [1, 2, 5]
        let skip = decades > 7 ? 2 : 1
        var exponent = Int(log10(axis.low).rounded(.down))
        while pow(10, Double(exponent)) <= axis.high {
            if exponent % skip == 0 {
                for mantissa in mantissas {
                    let value = mantissa * pow(10, Double(exponent))
                    guard value >= axis.low, value <= axis.high else { continue }
                    let scale = Quantity.timeScale(for: value)
                    let number = Quantity.digits(value / scale.size, significant: 3)
                    axis.ticks.append(Tick(value: value, label: "\(number)\u{202F}\(scale.symbol)"))
                }
            }
            exponent += 1
        }
        axis.title = "\(title) (log scale)"
        axis.format = "ns"
        return axis
    }

    /// The least of 1, 2, 5 × 10^k that is not below a step.
    static func niceStep(_ step: Double) -> Double {
        guard step.isFinite, step > 0 else { return 1 }
        let power = pow(10, log10(step).rounded(.down))
        for factor in [1.0, 2, 5, 10] where factor * power >= step * 0.999 { return factor * power }
        return 10 * power
    }

    /// `1.5 k`, `200 k`, `3 M`; small numbers with the given decimals.
    static func shortNumber(_ value: Double, decimals: Int) -> String {
        for (size, symbol) in [(1e9, "G"), (1e6, "M"), (1e3, "k")]
        where value >= size * 10 || (value >= size && size > 1e3) {
            let scaled = value / size
            let digits = scaled == scaled.rounded() ? 0 : scaled * 10 == (scaled * 10).rounded() ? 1 : 2
            return Quantity.fixed(scaled, digits) + "\u{202F}" + symbol
        }
        return Quantity.fixed(value, decimals)
    }
}
