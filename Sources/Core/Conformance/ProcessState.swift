import Glibc

/// What a plugin must leave as it found it: the parts of the process that belong to the host.
struct ProcessState {
    /// Which parts to compare.
    struct Parts: OptionSet {
        let rawValue: Int
        static let signals = Parts(rawValue: 1)
        static let locale = Parts(rawValue: 2)
        static let folder = Parts(rawValue: 4)
        static let standardDescriptors = Parts(rawValue: 8)
        static let threads = Parts(rawValue: 16)
        static let descriptors = Parts(rawValue: 32)
        /// What no plugin may ever change.
        static let hosts: Parts = [.signals, .locale, .folder, .standardDescriptors]
    }

    private var handlers: [UInt] = []
    private var locale: String
    private var folder: String
    private var standard: [Bool]
    let threadCount: Int
    let descriptorCount: Int

    init() {
        for signal in 1..<32 {
            var action = sigaction()
            sigaction(Int32(signal), nil, &action)
            handlers.append(UInt(bitPattern: unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)))
        }
        locale = setlocale(LC_ALL, nil).map { String(cString: $0) } ?? ""
        folder =
            getcwd(nil, 0).map { path in
                defer { free(path) }
                return String(cString: path)
            } ?? ""
        standard = (0..<3).map { fcntl($0, F_GETFD) >= 0 }
        threadCount = ProcessState.entries(of: "/proc/self/task")
        descriptorCount = ProcessState.entries(of: "/proc/self/fd")
    }

    /// What differs from an earlier state, in words.
    func changes(since before: ProcessState, including parts: Parts) -> [String] {
        var changes: [String] = []
        if parts.contains(.signals) {
            for (signal, pair) in zip(1..., zip(before.handlers, handlers)) where pair.0 != pair.1 {
                changes.append(
                    "the handler of signal \(signal) (\(String(cString: strsignal(Int32(signal))))) was replaced"
                )
            }
        }
        if parts.contains(.locale), locale != before.locale {
            changes.append("the locale was changed from \(before.locale) to \(locale)")
        }
        if parts.contains(.folder), folder != before.folder {
            changes.append("the working folder was changed to \(folder)")
        }
        if parts.contains(.standardDescriptors) {
            for (descriptor, pair) in zip(before.standard, standard).enumerated() where pair.0 && !pair.1 {
                changes.append("descriptor \(descriptor) was closed")
            }
        }
        if parts.contains(.threads), threadCount > before.threadCount {
            changes.append("\(threadCount - before.threadCount) threads were started")
        }
        if parts.contains(.descriptors), descriptorCount > before.descriptorCount {
            changes.append("\(descriptorCount - before.descriptorCount) descriptors stay open")
        }
        return changes
    }

    /// Resident memory, in bytes.
    static var residentSize: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { line in
            guard fgets(line.baseAddress, 256, file) != nil, let base = line.baseAddress else { return 0 }
            let fields = String(cString: base).split(separator: " ")
            return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
        }
    }

    private static func entries(of folder: String) -> Int {
        guard let stream = opendir(folder) else { return 0 }
        defer { closedir(stream) }
        var count = 0
        while readdir(stream) != nil { count += 1 }
        return count - 2
    }
}
