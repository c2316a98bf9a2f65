internal import Glibc

/// Threads that live for one call.
public enum ShortThreads {
    /// How many run at the same time at best.
    public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Runs `body` for every number below `count`, each on a thread of its own, and waits.
    ///
    /// The last number runs on the calling thread, and so does any whose thread cannot be made.
    public static func run(_ count: Int, _ body: (Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            var started: [pthread_t] = []
            var here: [Int] = []
            for number in 0..<max(0, count) {
                guard number < count - 1 else {
                    here.append(number)
                    break
                }
                let work = Unmanaged.passRetained(Work { body(number) })
                var thread = pthread_t()
                let status = pthread_create(
                    &thread,
                    nil,
                    { context in
                        guard let context else { return nil }
                        Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
                        return nil
                    },
                    work.toOpaque()
                )
                if status == 0 {
                    started.append(thread)
                } else {
                    work.release()
                    here.append(number)
                }
            }
            for number in here { body(number) }
            for thread in started { pthread_join(thread, nil) }
        }
    }

    private final class Work {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
}
