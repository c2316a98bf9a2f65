import Glibc

/// A thread of the host's own, joined when it is no longer needed.
struct BackgroundThread: @unchecked Sendable {
    // Unchecked because a thread's handle is an opaque number or pointer that any thread may use.
    private let handle: pthread_t

    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Starts a thread.
    ///
    /// - Throws: `LoadGenError.wrongState` where the system has no thread left.
    init(_ run: @escaping @Sendable () -> Void) throws {
        var started = pthread_t()
        let context = Unmanaged.passRetained(Body(run))
        let result = pthread_create(
            &started,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            context.toOpaque()
        )
        guard result == 0 else {
            context.release()
            throw LoadGenError.wrongState("cannot start a thread: \(String(cString: strerror(result)))")
        }
        handle = started
    }

    var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    func join() {
        pthread_join(handle, nil)
    }

    /// The kernel's number of the calling thread.
    static var currentNumber: String {
        // gettid is not among the functions that Glibc's module shows; the link reads `PID/task/TID`.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let start = buffer.baseAddress else { return "\(getpid())" }
            let length = readlink("/proc/thread-self", start, buffer.count)
            guard length > 0 else { return "\(getpid())" }
            let bytes = UnsafeRawBufferPointer(buffer)[0..<min(length, buffer.count)]
            return String(decoding: bytes.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
        }
    }
}
