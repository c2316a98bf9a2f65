import PluginAPI

/// Keys and values of all sequences in flight, in pages of a fixed number of positions.
///
/// A sequence occupies a *slot*, which names its row of the page table. The table lives on the device, where the
/// kernels read it, with a mirror in pinned memory that this class keeps. Pages hold float32 `[kv_head, position,
/// head_dim]` for each layer, keys and values apart.
final class PagedKVCache {
    let geometry: ModelGeometry
    /// Positions in a page.
    let pageSize: Int
    /// Slots of the page table.
    let slots: Int
    /// Entries of one slot's row: enough for the whole context.
    let maxPages: Int
    /// On the device: int32 `[slots, maxPages]`.
    let pageTable: UnsafeMutablePointer<Int32>

    private var allocator: PageAllocator
    private let mirror: UnsafeMutablePointer<Int32>
    /// Pages that each slot holds.
    private let held: UnsafeMutablePointer<Int32>
    private let keyStorage: UnsafeMutablePointer<Float>
    private let valueStorage: UnsafeMutablePointer<Float>
    private let devices: Devices
    private let stream: Stream

    /// Allocates the pages and the table.
    init(
        geometry: ModelGeometry,
        pages: Int,
        pageSize: Int,
        slots: Int,
        memory: DeviceMemory,
        devices: Devices,
        stream: Stream
    ) throws {
        self.geometry = geometry
        self.pageSize = pageSize
        self.slots = slots
        self.devices = devices
        self.stream = stream
        maxPages = (geometry.context + pageSize - 1) / pageSize
        let purpose =
            "key-value cache of \(pages) pages with \(pageSize) positions (model_config.kv_cache_tokens, max_batch)"
        let pageElements = geometry.kvHeads * pageSize * geometry.headDimension
        keyStorage = try memory.allocate(Float.self, geometry.layers, pages, pageElements, purpose: purpose)
        valueStorage = try memory.allocate(Float.self, geometry.layers, pages, pageElements, purpose: purpose)
        pageTable = try memory.allocate(Int32.self, slots, maxPages, purpose: "page table")
        mirror = try memory.allocatePinned(Int32.self, slots, maxPages, purpose: "page table")
        held = .allocate(capacity: slots)
        held.initialize(repeating: 0, count: slots)
        allocator = PageAllocator(capacity: pages)
        try devices.fill(stream, pageTable, with: 0, byteCount: slots * maxPages * MemoryLayout<Int32>.stride)
    }

    deinit { held.deallocate() }

    /// Pages in all.
    var pages: Int { allocator.capacity }
    /// Pages that no slot holds.
    var freePages: Int { allocator.free }

    /// Pages that a number of positions takes.
    func pages(for positions: Int) -> Int { (positions + pageSize - 1) / pageSize }

    /// Keys of a layer: float32 `[page, kv_head, position, head_dim]`.
    func keys(layer: Int) -> UnsafeMutablePointer<Float> { keyStorage + layer * layerElements }
    /// Values of a layer, laid out as the keys.
    func values(layer: Int) -> UnsafeMutablePointer<Float> { valueStorage + layer * layerElements }

    private var layerElements: Int { pages * geometry.kvHeads * pageSize * geometry.headDimension }

    /// Gives a slot the pages for positions `0..<positions`, and queues the update of the device's table.
    ///
    /// - Parameters:
    ///   - slot: The slot.
    ///   - positions: At most the context.
    /// - Returns: False, with nothing changed, if there are not enough free pages.
    /// - Throws: `PluginError` when the copy cannot be queued.
    func reserve(slot: Int, positions: Int) throws -> Bool {
        let first = Int(held[slot])
        let wanted = pages(for: positions)
        guard wanted > first else { return true }
        guard wanted - first <= allocator.free else { return false }
        let row = slot * maxPages
        for index in first..<wanted {
            guard let page = allocator.take() else { return false }
            mirror[row + index] = page
        }
        do {
            try devices.copy(
                stream,
                to: pageTable + row + first,
                from: mirror + row + first,
                byteCount: (wanted - first) * MemoryLayout<Int32>.stride
            )
        } catch {
            // The slot must not count as holding pages that the device's table does not show.
            for index in first..<wanted { allocator.put(mirror[row + index]) }
            throw error
        }
        held[slot] = Int32(wanted)
        return true
    }

    /// Takes all pages of a slot back; the device's table keeps stale entries, which no row refers to.
    func release(slot: Int) {
        let row = slot * maxPages
        for index in 0..<Int(held[slot]) { allocator.put(mirror[row + index]) }
        held[slot] = 0
    }
}
