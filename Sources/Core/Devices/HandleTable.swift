import Synchronization

/// Objects that a plugin names by opaque pointers, which are checked words and never followed.
///
/// A handle that was released, was never given out or belongs to a table of another kind finds nothing.  Looking up
/// takes no lock; the plugin may not use a handle while another thread releases it.
final class HandleTable<Object>: @unchecked Sendable {
    private struct Slot {
        var generation: UInt32 = 0
        var object: Object?
    }

    /// The low three bits of each handle of this table.
    private let tag: UInt
    private let slots: UnsafeMutablePointer<Slot>
    private let capacity: Int
    /// Slots that were used and are free again.
    private let free = Mutex<(list: [Int], used: Int)>(([], 0))

    init(tag: UInt, capacity: Int = 4096) {
        self.tag = tag & 7
        self.capacity = min(capacity, 0xFFFF)
        slots = .allocate(capacity: self.capacity)
        slots.initialize(repeating: Slot(), count: self.capacity)
    }

    deinit {
        slots.deinitialize(count: capacity)
        slots.deallocate()
    }

    /// A handle for `object`, or `nil` if the table is full.
    func insert(_ object: Object) -> OpaquePointer? {
        free.withLock { free in
            let index: Int
            if let last = free.list.popLast() {
                index = last
            } else if free.used < capacity {
                index = free.used
                free.used += 1
            } else {
                return nil
            }
            slots[index].generation &+= 1
            slots[index].object = object
            return OpaquePointer(bitPattern: handle(index, slots[index].generation))
        }
    }

    @inline(__always)
    func find(_ handle: OpaquePointer?) -> Object? {
        guard let index = index(of: handle) else { return nil }
        return slots[index].object
    }

    /// Takes the object out, or does nothing for a handle that is not in use.
    func remove(_ handle: OpaquePointer?) -> Object? {
        free.withLock { free in
            guard let index = index(of: handle), let object = slots[index].object else { return nil }
            slots[index].object = nil
            slots[index].generation &+= 1
            free.list.append(index)
            return object
        }
    }

    /// How many objects are in the table.
    var count: Int { free.withLock { $0.used - $0.list.count } }

    /// Lets go of all objects.
    func releaseAll() {
        free.withLock { free in
            for index in 0..<free.used where slots[index].object != nil {
                slots[index].object = nil
                slots[index].generation &+= 1
                free.list.append(index)
            }
        }
    }

    private func handle(_ index: Int, _ generation: UInt32) -> UInt {
        UInt(generation) << 20 | UInt(index) << 3 | tag
    }

    @inline(__always)
    private func index(of handle: OpaquePointer?) -> Int? {
        guard let handle else { return nil }
        let word = UInt(bitPattern: handle)
        let index = Int(word >> 3 & 0x1FFFF)
        guard word & 7 == tag, index < capacity, slots[index].generation == UInt32(truncatingIfNeeded: word >> 20),
            word >> 52 == 0
        else { return nil }
        return index
    }
}
