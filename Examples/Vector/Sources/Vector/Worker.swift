import CPluginAPI
import PluginAPI
import VectorKernels

/// The device's side: buffers, a stream, and a batch through the kernel.
final class Worker {
    private let devices: Devices
    private let launcher: Launcher
    private var stream: PluginAPI.Stream?
    private var x: UnsafeMutableRawPointer?
    private var y: UnsafeMutableRawPointer?
    private var input: UnsafeMutableRawPointer?
    private var output: UnsafeMutableRawPointer?

    init(devices: Devices, launcher: Launcher) {
        self.devices = devices
        self.launcher = launcher
    }

    /// Everything that a batch needs is there before the first one comes.
    func open(bytes: Int) throws {
        x = try devices.allocate(0, byteCount: bytes)
        y = try devices.allocate(0, byteCount: bytes)
        input = try devices.allocatePinned(byteCount: bytes)
        output = try devices.allocatePinned(byteCount: bytes)
        stream = try devices.makeStream(0)
    }

    func close() {
        if let stream { devices.release(stream) }
        for memory in [x, y] { if let memory { devices.free(0, memory) } }
        for memory in [input, output] { if let memory { devices.freePinned(memory) } }
    }

    /// The results of a batch; their data stays until the next one.
    func compute(_ queries: [mlp_query], rowBytes: Int, columns: Int32) throws -> [mlp_result] {
        guard let stream, let x, let y, let input, let output else {
            throw PluginError(.invalidState, "compute before prepare")
        }
        for (row, query) in queries.enumerated() {
            guard let payload = query.payload.data else { continue }
            (input + row * rowBytes).copyMemory(from: payload, byteCount: rowBytes)
        }
        let bytes = queries.count * rowBytes
        try devices.copy(stream, to: x, from: input, byteCount: bytes)
        try withUnsafePointer(to: y) { y in
            try withUnsafePointer(to: x) { x in
                try withUnsafePointer(to: columns) { columns in
                    // One pointer for each letter of the signature, at a value of its type.
                    let arguments: [UnsafeRawPointer?] = [.init(y), .init(x), .init(columns)]
                    try arguments.withUnsafeBufferPointer {
                        try launcher.launch(
                            stream,
                            kernel: UInt32(UNIT_ROWS),
                            grid: unit_rows_grid(UInt32(queries.count)),
                            arguments: $0
                        )
                    }
                }
            }
        }
        try devices.copy(stream, to: output, from: y, byteCount: bytes)
        try devices.synchronize(stream)
        return queries.enumerated().map { row, query in
            mlp_result(
                id: query.id,
                status: .ok,
                reserved: 0,
                data: mlp_bytes(data: output + row * rowBytes, size: UInt64(rowBytes)),
                token_count: 0
            )
        }
    }
}
