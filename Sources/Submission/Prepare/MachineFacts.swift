internal import Glibc

/// What Linux tells of this machine.
struct MachineFacts {
    var processor: String?
    var sockets: Int?
    var coresPerSocket: Int?
    var frequency: String?
    var caches: String?
    var memory: String?
    var storage: String?
    var storageType: String?
    var network: String?
    var networkCards: Int?
    var system: String?
    var kernel: String?

    /// Reads /proc, /sys and /etc/os-release; what is not there stays nil.
    static func read() -> MachineFacts {
        var facts = MachineFacts()
        facts.readProcessor()
        facts.readCaches()
        facts.readMemory()
        facts.readStorage()
        facts.readNetwork()
        facts.readSystem()
        return facts
    }

    private static let files = SubmissionFiles(root: "")

    /// The first 64 KiB of a file that the kernel makes up, whose size is told as 0.
    private static func text(_ path: String, limit: Int = 1 << 16) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = fread(&bytes, 1, limit, file)
        return count == 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// The first line of a file; nil where there is none.
    private static func line(_ path: String) -> String? {
        text(path)?.split(separator: "\n").first.map(String.init)
    }

    /// The value of a line `name : value`.
    private static func value(_ name: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, trimmed(parts[0]) == name else { continue }
            let value = trimmed(parts[1])
            return value.isEmpty ? nil : value
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(String(start.reversed()).drop { $0.isWhitespace }.reversed())
    }

    private mutating func readProcessor() {
        guard let text = Self.text("/proc/cpuinfo", limit: 4 << 20) else { return }
        processor = Self.value("model name", in: text)
        let lines = text.split(separator: "\n")
        let packages = Set(lines.filter { $0.hasPrefix("physical id") })
        sockets = packages.isEmpty ? nil : packages.count
        let logical = lines.filter { $0.hasPrefix("processor") }.count
        coresPerSocket = Self.value("cpu cores", in: text).flatMap { Int($0) } ?? (logical > 0 ? logical : nil)
        let highest = Self.line("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").flatMap { Int($0) }
        frequency = highest.map { "\($0 / 1000) MHz" } ?? Self.value("cpu MHz", in: text).map { "\($0) MHz" }
    }

    private mutating func readCaches() {
        var found: [String] = []
        for index in 0..<8 {
            let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)"
            guard let level = Self.line("\(folder)/level"), let size = Self.line("\(folder)/size") else { break }
            let type = Self.line("\(folder)/type") ?? ""
            let letter = type == "Instruction" ? "i" : type == "Data" ? "d" : ""
            found.append("L\(level)\(letter) \(size)")
        }
        caches = found.isEmpty ? nil : found.joined(separator: ", ")
    }

    private mutating func readMemory() {
        guard let text = Self.text("/proc/meminfo"), let value = Self.value("MemTotal", in: text),
            let kilobytes = value.split(separator: " ").first.flatMap({ Int($0) })
        else { return }
        memory = "\((kilobytes + (1 << 19)) >> 20) GB"
    }

    private mutating func readStorage() {
        var bytes = 0
        var types: [String] = []
        for disk in Self.files.names(in: "/sys/block") {
            if ["loop", "ram", "zram", "dm-", "sr"].contains(where: { disk.hasPrefix($0) }) { continue }
            guard let sectors = Self.line("/sys/block/\(disk)/size").flatMap({ Int($0) }), sectors > 0 else { continue }
            bytes += sectors.multipliedReportingOverflow(by: 512).partialValue
            let isDisk = Self.line("/sys/block/\(disk)/queue/rotational") == "1"
            let type = disk.hasPrefix("nvme") ? "NVMe SSD" : isDisk ? "hard disk" : "SSD"
            if !types.contains(type) { types.append(type) }
        }
        guard bytes > 0 else { return }
        storage = "\(bytes / 1_000_000_000) GB"
        storageType = types.joined(separator: ", ")
    }

    private mutating func readNetwork() {
        var cards = 0
        var speeds: [String] = []
        for name in Self.files.names(in: "/sys/class/net") where Self.files.exists("/sys/class/net/\(name)/device") {
            cards += 1
            if let speed = Self.line("/sys/class/net/\(name)/speed").flatMap({ Int($0) }), speed > 0 {
                speeds.append("\(speed) Mbit/s")
            }
        }
        guard cards > 0 else { return }
        networkCards = cards
        network = speeds.isEmpty ? "Ethernet" : "Ethernet, " + speeds.joined(separator: ", ")
    }

    private mutating func readSystem() {
        if let text = Self.text("/etc/os-release") {
            for line in text.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
                system = String(line.dropFirst(12).filter { $0 != "\"" })
            }
        }
        if let release = Self.line("/proc/sys/kernel/osrelease") {
            kernel = "Linux \(release)"
        }
    }
}
