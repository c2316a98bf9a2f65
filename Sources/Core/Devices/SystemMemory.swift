import Glibc

/// What memory the machine has, as the kernel and the control group say.
enum SystemMemory {
    /// Bytes of memory that this process can ever have: the machine's, or the control group's limit if that is lower.
    static var total: UInt64 {
        let machine = field("MemTotal:", ofLinesIn: "/proc/meminfo").map(kilobytes) ?? physical
        guard let limit = controlGroupLimit else { return machine }
        return min(machine, limit)
    }

    /// Bytes that can be had now without swapping (the kernel's MemAvailable, within the control group's limit).
    static var available: UInt64 {
        let machine = field("MemAvailable:", ofLinesIn: "/proc/meminfo").map(kilobytes) ?? physical
        guard let limit = controlGroupLimit else { return machine }
        let used = contents("/sys/fs/cgroup/memory.current").flatMap { UInt64(trimmed($0)) } ?? 0
        // Page cache counts as used and can be given back.
        let cache = field("inactive_file", ofLinesIn: "/sys/fs/cgroup/memory.stat") ?? 0
        let held = used > cache ? used - cache : 0
        return min(machine, limit > held ? limit - held : 0)
    }

    /// The processor's name ("model name" of /proc/cpuinfo).
    static var processorName: String {
        for line in (contents("/proc/cpuinfo") ?? "").split(separator: "\n") where line.hasPrefix("model name") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = trimmed(String(line[line.index(after: colon)...]))
            if !name.isEmpty { return name }
        }
        return "CPU"
    }

    private static var physical: UInt64 {
        UInt64(max(sysconf(Int32(_SC_PHYS_PAGES)), 0)) &* UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0))
    }

    private static var controlGroupLimit: UInt64? {
        contents("/sys/fs/cgroup/memory.max").flatMap { UInt64(trimmed($0)) }
    }

    private static func kilobytes(_ count: UInt64) -> UInt64 {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1024)
        return overflow ? .max : bytes
    }

    private static func field(_ name: String, ofLinesIn path: String) -> UInt64? {
        for line in (contents(path) ?? "").split(separator: "\n") where line.hasPrefix(name) {
            let words = line.split(separator: " ")
            if words.count > 1 { return UInt64(words[1]) }
        }
        return nil
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let last = text.last, last.isWhitespace { text.removeLast() }
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        return String(text)
    }

    private static func contents(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            bytes.append(contentsOf: buffer[..<count])
            if bytes.count > 1 << 20 { break }  // /proc/cpuinfo of a large machine: the first processor is enough.
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
