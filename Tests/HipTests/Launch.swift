import CPluginAPI
import Glibc
import HipShim
import Kernels
import PluginAPI

/// The devices that the shim plays.
let devices = [SHIM_GFX942, SHIM_GFX950, SHIM_WARP32]

/// What a device of the shim is to a plugin.
func target(of device: shim_device) -> DeviceTarget {
    switch device {
    case SHIM_GFX942: DeviceTarget(kind: MLP_DEVICE_HIP, architecture: "gfx942")
    case SHIM_GFX950: DeviceTarget(kind: MLP_DEVICE_HIP, architecture: "gfx950")
    default: DeviceTarget(kind: MLP_DEVICE_CUDA, architecture: "sm_90")
    }
}

/// A buffer that ends at an inaccessible page, so that an access beyond it kills the test.
///
/// It begins at a multiple of 256, as device memory does, or `shift` bytes after one.
final class DeviceBuffer {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappingSize: Int

    init(byteCount: Int, shift: Int = 0) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        // The last bytes before the guard are those that rounding up to 16 leaves: a load of 16 bytes is not too many.
        let reserved = shift == 0 ? (byteCount + 15) / 16 * 16 : byteCount
        let pages = (reserved + page - 1) / page + 2
        mappingSize = pages * page
        guard
            let mapped = mmap(nil, mappingSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapped != MAP_FAILED
        else { fatalError("mmap of \(mappingSize) bytes failed") }
        mapping = mapped
        mprotect(mapping + (pages - 1) * page, page, PROT_NONE)
        let end = mapping + (pages - 1) * page
        var start = end - reserved
        if shift != 0 {
            // At an address that is a multiple of the element and of nothing more.
            let misaligned = (Int(bitPattern: start) % 16) / shift * shift
            start -= misaligned == 0 ? 16 - shift : 0
        }
        base = start
        self.byteCount = byteCount
    }

    convenience init<Element: BitwiseCopyable>(_ values: [Element], unaligned: Bool = false) {
        let size = MemoryLayout<Element>.stride
        self.init(byteCount: values.count * size, shift: unaligned ? size : 0)
        values.withUnsafeBytes { bytes in
            if let from = bytes.baseAddress { base.copyMemory(from: from, byteCount: bytes.count) }
        }
    }

    deinit { munmap(mapping, mappingSize) }

    /// What the buffer holds.
    func array<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
        (0..<byteCount / MemoryLayout<Element>.stride).map {
            base.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)
        }
    }

    /// The bytes of the buffer.
    var bytes: [UInt8] { array(UInt8.self) }

    /// A copy with the same alignment.
    func copy() -> DeviceBuffer {
        let other = DeviceBuffer(byteCount: byteCount, shift: Int(bitPattern: base) % 16 == 0 ? 0 : 4)
        other.base.copyMemory(from: base, byteCount: byteCount)
        return other
    }
}

/// One argument of a launch.
enum Argument {
    case int(Int)
    case float(Float)
    case null
    case buffer(DeviceBuffer)
}

/// Calls the body with the argument array of a launch.
func withArguments<Result>(
    _ arguments: [Argument],
    _ body: (UnsafePointer<UnsafeMutableRawPointer?>) -> Result
) -> Result {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: arguments.count)
    let pointers = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: arguments.count)
    defer {
        words.deallocate()
        pointers.deallocate()
    }
    for (index, argument) in arguments.enumerated() {
        switch argument {
        case .int(let value): words[index] = UInt64(UInt32(bitPattern: Int32(value)))
        case .float(let value): words[index] = UInt64(value.bitPattern)
        case .null: words[index] = 0
        case .buffer(let buffer): words[index] = UInt64(UInt(bitPattern: buffer.base))
        }
        pointers[index] = UnsafeMutableRawPointer(words + index)
    }
    return body(UnsafePointer(pointers))
}

/// Runs the HIP source of a kernel; nil, or what went wrong.
func launch(_ kernel: String, on device: shim_device, _ grid: mlp_grid, _ arguments: [Argument]) -> String? {
    withArguments(arguments) { list in
        withUnsafePointer(to: grid) { grid in shim_launch(device, kernel, grid, list).map { String(cString: $0) } }
    }
}

/// Runs the CPU twin of a kernel.
func launchTwin(_ kernel: String, _ grid: mlp_grid, _ arguments: [Argument]) {
    withArguments(arguments) { list in
        withUnsafePointer(to: grid) { grid in shim_launch_twin(kernel, grid, list) }
    }
}

/// Seeded numbers, the same in every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }
}
