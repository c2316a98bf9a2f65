import Glibc

/// Calendar time, for the entries that name it.
struct WallClock {
    private var nanoseconds: Int64

    static func now() -> WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallClock(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    var nanosecondsSinceEpoch: Int64 { nanoseconds }

    func advanced(by duration: Int64) -> WallClock {
        WallClock(nanoseconds: nanoseconds &+ duration)
    }

    /// Nanoseconds that passed since `earlier` by this clock, which may have been set meanwhile.
    func since(_ earlier: WallClock) -> Int64 {
        nanoseconds &- earlier.nanoseconds
    }

    /// `2026-11-20T23:40:33Z`.
    var iso8601: String {
        let (date, _) = parts
        return "\(date.year)-\(date.month)-\(date.day)T\(date.hour):\(date.minute):\(date.second)Z"
    }

    /// `11-20-2026 23:40:33.646`, in UTC, as power meters' logs have it.
    var forPower: String {
        let (date, milliseconds) = parts
        return "\(date.month)-\(date.day)-\(date.year) \(date.hour):\(date.minute):\(date.second).\(milliseconds)"
    }

    private struct Date {
        var year: String
        var month: String
        var day: String
        var hour: String
        var minute: String
        var second: String
    }

    private var parts: (Date, String) {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var fields = tm()
        gmtime_r(&seconds, &fields)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let date = Date(
            year: "\(fields.tm_year + 1900)",
            month: two(fields.tm_mon + 1),
            day: two(fields.tm_mday),
            hour: two(fields.tm_hour),
            minute: two(fields.tm_min),
            second: two(fields.tm_sec)
        )
        let milliseconds = "\(nanoseconds / 1_000_000 % 1000)"
        return (date, String(repeating: "0", count: max(0, 3 - milliseconds.count)) + milliseconds)
    }
}
