import Kernels
import PluginAPI

/// Keys and values of all sequences in flight, in pages of a fixed number of positions.
///
/// A sequence occupies a *slot*, which names its row of the page table. The table lives on the device, where the
/// kernels read it and a step changes it before anything else; this class keeps what it will be after the step planned
/// last. Pages hold `kv_heads * pageSize * head_dim` elements for each layer, keys and values apart, laid out as the
/// kernels want them.
///
/// The stream computes one step after the other, so a page may change hands while steps that use it are still in flight:
/// its new owner's step comes later, and a sequence reads no position that its own steps have not written.
final class PagedKVCache {
    let geometry: ModelGeometry
    /// Element type of keys and values.
    let type: KVCacheType
    /// Positions in a page.
    let pageSize: Int
    /// Slots of the page table.
    let slots: Int
    /// Entries of one slot's row: enough for the whole context.
    let maxPages: Int
    /// On the device: int32 `[slots, maxPages]`.
    let pageTable: UnsafeMutablePointer<Int32>

    private var allocator: PageAllocator
    private let table: UnsafeMutablePointer<Int32>
    /// Pages that each slot holds.
    private let held: UnsafeMutablePointer<Int32>
    private let keyStorage: UnsafeMutableRawPointer
    private let valueStorage: UnsafeMutableRawPointer

    /// Allocates the pages and the table.
    init(
        geometry: ModelGeometry,
        type: KVCacheType,
        pages: Int,
        pageSize: Int,
        slots: Int,
        memory: DeviceMemory,
        devices: Devices,
        stream: Stream
    ) throws {
        self.geometry = geometry
        self.type = type
        self.pageSize = pageSize
        self.slots = slots
        maxPages = (geometry.context + pageSize - 1) / pageSize
        let purpose =
            "key-value cache of \(pages) pages with \(pageSize) positions in \(type.rawValue) "
            + "(model_config.kv_cache_tokens, max_batch)"
        let pageBytes = pageSize * Self.positionBytes(geometry, type) / 2
        keyStorage = UnsafeMutableRawPointer(
            try memory.allocate(UInt8.self, geometry.layers, pages, pageBytes, purpose: purpose)
        )
        valueStorage = UnsafeMutableRawPointer(
            try memory.allocate(UInt8.self, geometry.layers, pages, pageBytes, purpose: purpose)
        )
        pageTable = try memory.allocate(Int32.self, slots, maxPages, purpose: "page table")
        table = .allocate(capacity: slots * maxPages)
        table.initialize(repeating: 0, count: slots * maxPages)
        held = .allocate(capacity: slots)
        held.initialize(repeating: 0, count: slots)
        allocator = PageAllocator(capacity: pages)
        try devices.fill(stream, pageTable, with: 0, byteCount: slots * maxPages * MemoryLayout<Int32>.stride)
    }

    deinit {
        table.deallocate()
        held.deallocate()
    }

    /// Pages in all.
    var pages: Int { allocator.capacity }
    /// Pages that no slot holds.
    var freePages: Int { allocator.free }

    /// Pages that a number of positions takes.
    func pages(for positions: Int) -> Int { (positions + pageSize - 1) / pageSize }

    /// Bytes of keys and values together that one position takes in one layer.
    static func positionBytes(_ geometry: ModelGeometry, _ type: KVCacheType) -> Int {
        2 * geometry.kvHeads * geometry.headDimension * type.byteCount
    }

    /// Keys of a layer.
    func keys(layer: Int) -> UnsafeMutableRawPointer { keyStorage + layer * layerBytes }
    /// Values of a layer.
    func values(layer: Int) -> UnsafeMutableRawPointer { valueStorage + layer * layerBytes }

    private var layerBytes: Int { pages * pageSize * Self.positionBytes(geometry, type) / 2 }

    /// Memory for what attention leaves between its launches, for steps of up to `rows` rows.
    ///
    /// - Returns: The address, or nil where the backend needs none.
    /// - Throws: `PluginError` when memory is short.
    func allocateAttentionWorkspace(
        backend: podium_backend,
        rows: Int,
        in memory: DeviceMemory
    ) throws -> UnsafeMutablePointer<Float>? {
        let bytes = podium_attention_workspace_size(
            backend,
            Int32(rows),
            Int32(geometry.heads),
            Int32(geometry.kvHeads),
            Int32(geometry.headDimension),
            Int32(pageSize),
            Int32(maxPages)
        )
        guard bytes > 0 else { return nil }
        let floats = bytes / MemoryLayout<Float>.stride
        return try memory.allocate(
            Float.self,
            floats,
            purpose: "attention workspace of \(rows) rows (model_config.prefill_chunk, max_batch)"
        )
    }

    /// What it holds, in words.
    var summary: String {
        let bytes = 2 * geometry.layers * layerBytes
        return "key-value cache: \(type.rawValue), \(pages) pages of \(pageSize) positions, \(bytes) bytes"
    }

    /// Entries of the page table that a step may change at most.
    ///
    /// A sequence that decodes takes one page. All that are admitted in one step but the last have their whole prompt
    /// computed in it, a row at least for each page.
    static func pageChanges(rowCapacity: Int, maxPages: Int) -> Int { rowCapacity + 1 + maxPages }

    /// Gives a slot the pages for positions `0..<positions`.
    ///
    /// - Parameters:
    ///   - slot: The slot.
    ///   - positions: At most the context.
    ///   - step: The step that begins with the change of the device's table.
    /// - Returns: False, with nothing changed, if there are not enough free pages.
    func reserve(slot: Int, positions: Int, in step: StagedStep) -> Bool {
        let first = Int(held[slot])
        let wanted = pages(for: positions)
        guard wanted > first else { return true }
        guard wanted - first <= min(allocator.free, step.pageChangeRoom) else { return false }
        let row = slot * maxPages
        for index in first..<wanted {
            guard let page = allocator.take() else { return false }
            table[row + index] = page
            step.appendPageChange(entry: row + index, page: page)
        }
        held[slot] = Int32(wanted)
        return true
    }

    /// Takes all pages of a slot back; the device's table keeps stale entries, which no row refers to.
    func release(slot: Int) {
        let row = slot * maxPages
        for index in 0..<Int(held[slot]) { allocator.put(table[row + index]) }
        held[slot] = 0
    }
}
