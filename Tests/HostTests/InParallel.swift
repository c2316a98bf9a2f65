import Synchronization

@testable import Core

/// Runs bodies on a few threads, since what they do is mostly waiting for a child.
func inParallel<Input: Sendable, Output: Sendable>(
    _ inputs: [Input],
    atOnce: Int = 6,
    _ body: @escaping @Sendable (Input) throws -> Output
) -> [Result<Output, any Error>] {
    let next = Cursor()
    let results = Collected<Result<Output, any Error>>(count: inputs.count)
    let finished = Semaphore()
    for _ in 0..<atOnce {
        startThread(name: "test-runner") {
            while let index = next.take(below: inputs.count) {
                results.set(index, Result { try body(inputs[index]) })
            }
            finished.signal()
        }
    }
    for _ in 0..<atOnce { finished.wait() }
    return results.all
}

/// Hands out the numbers from zero to many threads.
final class Cursor: Sendable {
    private let next = Atomic<Int>(0)

    func take(below count: Int) -> Int? {
        let seen = next.wrappingAdd(1, ordering: .relaxed)
        let index = seen.oldValue
        return index < count ? index : nil
    }
}

/// Results by position, from many threads.
final class Collected<Element: Sendable>: Sendable {
    private let elements: Mutex<[Element?]>

    init(count: Int) { elements = Mutex(Array(repeating: nil, count: count)) }

    func set(_ index: Int, _ element: Element) { elements.withLock { $0[index] = element } }

    var all: [Element] { elements.withLock { $0.compactMap { $0 } } }
}
