import PluginAPI
import TextGeneration

/// What a calibration sample is computed with, in memory that host and device share; float32 `[rows, width]` each.
struct CalibrationBuffers {
    /// Positions in a page of the cache.
    static let pageSize = 16

    /// Rows that there is room for.
    let rows: Int
    let stream: UnsafeMutablePointer<Float>
    let normed: UnsafeMutablePointer<Float>
    let query: UnsafeMutablePointer<Float>
    let key: UnsafeMutablePointer<Float>
    let value: UnsafeMutablePointer<Float>
    let attended: UnsafeMutablePointer<Float>
    let gated: UnsafeMutablePointer<Float>
    let cosines: UnsafeMutablePointer<Float>
    let sines: UnsafeMutablePointer<Float>
    let frequencies: UnsafeMutablePointer<Float>
    let keyPages: UnsafeMutablePointer<Float>
    let valuePages: UnsafeMutablePointer<Float>
    /// int32 `[1]`.
    let live: UnsafeMutablePointer<Int32>
    /// int32 `[rows]`.
    let tokens: UnsafeMutablePointer<Int32>
    /// int32 `[rows]`: 0, 1, 2, ...
    let positions: UnsafeMutablePointer<Int32>
    /// int32 `[rows]`: all 0, since there is one sequence.
    let slots: UnsafeMutablePointer<Int32>
    /// int32 `[pages]`: page i of the sequence is page i.
    let pageTable: UnsafeMutablePointer<Int32>

    private let memory: DeviceMemory

    /// Entries of the page table.
    var pages: Int { Self.pages(rows) }

    private static func pages(_ rows: Int) -> Int { (rows + pageSize - 1) / pageSize }

    /// Buffers for samples of up to so many rows.
    init(_ configuration: LlamaConfiguration, rows: Int, devices: Devices) throws {
        let memory = DeviceMemory(devices: devices, device: 0)
        self.memory = memory
        self.rows = rows
        func floats(_ rows: Int, _ width: Int) throws -> UnsafeMutablePointer<Float> {
            try memory.allocatePinned(Float.self, rows, width, purpose: "a calibration sample of \(rows) tokens")
        }
        func integers(_ count: Int) throws -> UnsafeMutablePointer<Int32> {
            try memory.allocatePinned(Int32.self, count, purpose: "a calibration sample of \(rows) tokens")
        }
        let (width, kvWidth) = (configuration.attentionWidth, configuration.kvWidth)
        let pairs = configuration.headDimension / 2
        stream = try floats(rows, configuration.hidden)
        normed = try floats(rows, configuration.hidden)
        query = try floats(rows, width)
        key = try floats(rows, kvWidth)
        value = try floats(rows, kvWidth)
        attended = try floats(rows, width)
        gated = try floats(rows, configuration.intermediate)
        cosines = try floats(rows, pairs)
        sines = try floats(rows, pairs)
        frequencies = try floats(1, pairs)
        keyPages = try floats(Self.pages(rows) * Self.pageSize, kvWidth)
        valuePages = try floats(Self.pages(rows) * Self.pageSize, kvWidth)
        live = try integers(1)
        tokens = try integers(rows)
        positions = try integers(rows)
        slots = try integers(rows)
        pageTable = try integers(Self.pages(rows))
        let values = rotaryFrequencies(
            headDimension: configuration.headDimension,
            base: configuration.ropeBase,
            scaling: configuration.ropeScaling
        )
        for (index, value) in values.enumerated() { frequencies[index] = value }
        for row in 0..<rows { positions[row] = Int32(row) }
        for page in 0..<Self.pages(rows) { pageTable[page] = Int32(page) }
    }
}
