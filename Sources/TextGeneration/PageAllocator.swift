/// The free pages of a cache, last freed first.
struct PageAllocator: ~Copyable {
    /// Pages in all.
    let capacity: Int
    private let stack: UnsafeMutablePointer<Int32>
    /// Pages that are free.
    private(set) var free: Int

    /// All pages free.
    init(capacity: Int) {
        self.capacity = capacity
        free = capacity
        stack = .allocate(capacity: max(1, capacity))
        for index in 0..<capacity { stack[index] = Int32(capacity - 1 - index) }
    }

    deinit { stack.deallocate() }

    /// Takes a page; nil when there is none.
    mutating func take() -> Int32? {
        guard free > 0 else { return nil }
        free -= 1
        return stack[free]
    }

    /// Gives a page back.
    mutating func put(_ page: Int32) {
        precondition(free < capacity, "a page was given back twice")
        stack[free] = page
        free += 1
    }
}
