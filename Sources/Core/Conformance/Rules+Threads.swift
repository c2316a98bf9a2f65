import CPluginAPI
import Glibc
import Synchronization

extension ConformanceRule {
    static let threads: [ConformanceRule] = [
        ConformanceRule("MLP-T01", "extension may be called from many threads at once.") { probe in
            let instance = try probe.instance()
            let wanted = instance.plugin.pointee.extension(instance.plugin, MLP_INFERENCE)
            let wrong = Atomic<Int>(0)
            onThreads(8) { _ in
                for _ in 0..<1000 where instance.plugin.pointee.extension(instance.plugin, MLP_INFERENCE) != wanted {
                    wrong.wrappingAdd(1, ordering: .relaxed)
                }
            }
            try demand(wrong.load(ordering: .relaxed) == 0, "answers differ between threads")
            try instance.destroy()
            return .pass
        },
        ConformanceRule("MLP-T02", "The tokenizer may be called from many threads at once.", roles: ["head"]) { probe in
            let instance = try probe.instance()
            guard let table = instance.tables.tokenizer else {
                throw ConformanceProbe.Skip(reason: "the workload does not offer \(MLP_TOKENIZER)")
            }
            let text = Array("The quick brown fox jumps over the lazy dog, 1234 times.".utf8)
            let wanted = RawTokenizer(instance, table).encode(text, capacity: 1024)
            let wrong = Atomic<Int>(0)
            onThreads(8) { _ in
                for _ in 0..<200 where RawTokenizer(instance, table).encode(text, capacity: 1024) != wanted {
                    wrong.wrappingAdd(1, ordering: .relaxed)
                }
            }
            try demand(wrong.load(ordering: .relaxed) == 0, "tokens differ between threads")
            try instance.destroy()
            return .pass
        },
        ConformanceRule("MLP-T03", "issue may be called from one thread after another.", roles: ["both", "worker"]) {
            probe in
            let session = try probe.session(samples: 8)
            let failed = Mutex<String?>(nil)
            for index in session.indices {
                onThreads(1) { _ in
                    do {
                        try session.issue([index])
                    } catch {
                        failed.withLock { $0 = "\(error)" }
                    }
                }
            }
            if let reason = failed.withLock({ $0 }) { return .fail(reason) }
            try session.finish()
            try session.close()
            return .pass
        },
        ConformanceRule(
            "MLP-T04",
            "Services are asked only for what they may be asked for.",
            roles: ["both", "worker"],
            timeLimit: 120
        ) { probe in
            let instance = try probe.instance()
            func look() throws {
                let misuses = instance.context.serviceMisuses
                try demand(misuses.isEmpty, "a service had to refuse: " + misuses.joined(separator: "; "))
            }
            do { try instance.prepare() } catch {
                try look()
                throw error
            }
            try instance.start(results: RecordingSink())
            try instance.warmUp()
            try instance.stop()
            try instance.destroy()
            try look()
            return .pass
        },
        ConformanceRule(
            "MLP-T05",
            "cancel may be called from many threads while samples are issued.",
            roles: ["both", "worker"],
            timeLimit: 120
        ) { probe in
            let session = try probe.session(samples: 16)
            let issued = Mutex<[UInt64]>([])
            let failed = Mutex<String?>(nil)
            onThreads(4) { thread in
                if thread > 0 {
                    for _ in 0..<50 {
                        issued.withLock { $0 }.withUnsafeBufferPointer { session.worker.cancel($0) }
                        usleep(200)
                    }
                    return
                }
                do {
                    for index in session.indices {
                        let ids = try session.issue([index])
                        issued.withLock { $0 += ids }
                    }
                } catch {
                    failed.withLock { $0 = "\(error)" }
                }
            }
            if let reason = failed.withLock({ $0 }) { return .fail(reason) }
            try session.finish()
            try session.close()
            return .pass
        },
    ]

    /// Runs `body` on `count` new threads and waits for all.
    private static func onThreads(_ count: Int, _ body: @escaping (Int) -> Void) {
        nonisolated(unsafe) let body = body
        let finished = Semaphore()
        for index in 0..<count {
            startThread(name: "conformance") {
                body(index)
                finished.signal()
            }
        }
        for _ in 0..<count { finished.wait() }
    }
}
