import CGPU
import CPluginAPI

/// HIP or the CUDA driver, found at run time; one for each kind and process.
///
/// Nothing of ROCm or CUDA is needed to build or to start: the library is opened when it is asked for.
public final class GPURuntime: @unchecked Sendable {
    /// `hip` or `cuda`.
    public let kind: DeviceKind
    /// The library that was opened, as `libamdhip64.so.7`.
    public let library: String
    /// The library's version as it numbers itself; 0 if it does not say (HIP without a device).
    public let version: Int
    /// How many devices the library sees.
    public let deviceCount: Int

    /// Lives as long as the process.
    private let table: UnsafePointer<podium_gpu>
    var functions: podium_gpu { table.pointee }

    /// Opens the library of a kind of GPU.
    ///
    /// - Parameters:
    ///   - kind: `hip` or `cuda`.
    ///   - library: The library's path; nil: the first of its usual names that the system has.
    /// - Throws: `MLP_UNSUPPORTED` with what is missing or what the library answered.
    public init(_ kind: DeviceKind, library: String? = nil) throws(DeviceError) {
        let wanted = kind == .hip ? PODIUM_GPU_HIP : PODIUM_GPU_CUDA
        var problem = [CChar](repeating: 0, count: 1024)
        let table =
            if let library {
                library.withCString { podium_gpu_open(wanted, $0, &problem, UInt64(problem.count)) }
            } else {
                podium_gpu_open(wanted, nil, &problem, UInt64(problem.count))
            }
        guard let table else { throw .unsupported("\(kind): not usable: \(Self.text(problem))") }
        self.kind = kind
        self.table = table
        self.library = table.pointee.library.map { String(cString: $0) } ?? ""
        version = Int(table.pointee.version)
        var count: Int32 = 0
        let error = table.pointee.device_count(&count)
        guard error == 0 else {
            throw .unsupported(
                "\(kind): \(self.library): counting devices: \(Self.words(table.pointee, error)) (\(error))"
            )
        }
        deviceCount = Int(count)
    }

    /// Turns an error number into an error that says where it happened.
    func check(_ error: Int32, device: Int, _ what: @autoclosure () -> String) throws(DeviceError) {
        guard error != 0 else { return }
        throw failure(error, device: device, what())
    }

    func failure(_ error: Int32, device: Int, _ what: String) -> DeviceError {
        let words = Self.words(functions, error)
        let status = functions.is_out_of_memory(error) != 0 ? MLP_OUT_OF_MEMORY : MLP_DEVICE_ERROR
        return DeviceError(status, "\(kind):\(device): \(what): \(words) (\(kind) error \(error))")
    }

    /// Makes a device current in the calling thread, for the calls that follow.
    @inline(__always)
    func use(_ device: Int) throws(DeviceError) {
        let error = functions.use(Int32(truncatingIfNeeded: device))
        if error != 0 { throw failure(error, device: device, "selecting the device") }
    }

    /// What a device is, as its driver says.
    func properties(of device: Int) throws(DeviceError) -> DeviceProperties {
        var found = podium_gpu_device()
        try check(functions.describe(Int32(truncatingIfNeeded: device), &found), device: device, "its properties")
        return DeviceProperties(
            kind: kind,
            name: withUnsafeBytes(of: found.name) { Self.text($0) },
            architecture: withUnsafeBytes(of: found.architecture) { Self.text($0) },
            memorySize: found.memory_size,
            computeUnits: found.compute_units,
            waveSize: found.wave_size,
            maximumThreadsPerBlock: found.max_threads_per_block,
            maximumSharedBytesPerBlock: UInt32(clamping: found.shared_bytes_per_block)
        )
    }

    private static func words(_ functions: podium_gpu, _ error: Int32) -> String {
        functions.describe_error(error).map { String(cString: $0) } ?? "unknown error"
    }

    private static func text(_ characters: [CChar]) -> String { characters.withUnsafeBytes { text($0) } }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
