internal import Glibc

/// A point in time, to compare files with.
struct Timestamp: Comparable {
    /// Since 1970, UTC.
    let seconds: Int
    private let nanoseconds: Int

    static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// When a file was last written; nil if there is none.
    static func modified(_ path: String) -> Timestamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Timestamp(seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private init(seconds: Int, nanoseconds: Int) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Reads `2026-01-13T08:15:30Z`, with or without a fraction, which is dropped; nil for anything else.
    init?(iso8601 text: String) {
        let parts = text.split(whereSeparator: { "-T:.Z".contains($0) })
        let numbers = parts.prefix(6).compactMap { Int($0) }
        guard text.hasSuffix("Z"), numbers.count == 6, numbers.allSatisfy({ (0...9999).contains($0) }) else {
            return nil
        }
        var time = tm()
        time.tm_year = Int32(numbers[0]) - 1900
        time.tm_mon = Int32(numbers[1]) - 1
        time.tm_mday = Int32(numbers[2])
        time.tm_hour = Int32(numbers[3])
        time.tm_min = Int32(numbers[4])
        time.tm_sec = Int32(numbers[5])
        self.init(seconds: timegm(&time), nanoseconds: 0)
    }
}
