import CPluginAPI
import Glibc
import Kernels
import Testing

/// All kernel tests run one after the other, because they switch the instruction set of the whole process.
@Suite(.serialized) struct KernelTests {}

/// A seeded generator (SplitMix64), so that every run sees the same numbers.
struct SeededGenerator: RandomNumberGenerator {
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

/// Memory that ends at an inaccessible page: one byte read or written beyond it kills the test, and its start has only
/// the alignment that its size leaves, as in a mapped safetensors file.
final class GuardedMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappingSize: Int

    init(byteCount: Int) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let pages = (byteCount + page - 1) / page + 1
        mappingSize = pages * page
        guard
            let mapped = mmap(nil, mappingSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapped != MAP_FAILED
        else { fatalError("mmap of \(mappingSize) bytes failed") }
        mapping = mapped
        mprotect(mapping + (pages - 1) * page, page, PROT_NONE)
        base = mapping + ((pages - 1) * page - byteCount)
        self.byteCount = byteCount
    }

    convenience init(_ values: [Float]) {
        self.init(byteCount: values.count * 4)
        values.withUnsafeBytes { base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count) }
    }

    convenience init(_ values: [Int32]) {
        self.init(byteCount: values.count * 4)
        values.withUnsafeBytes { base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count) }
    }

    convenience init(_ values: [UInt16]) {
        self.init(byteCount: values.count * 2)
        values.withUnsafeBytes { base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count) }
    }

    convenience init(_ values: [UInt8]) {
        self.init(byteCount: values.count)
        base.copyMemory(from: values, byteCount: values.count)
    }

    deinit { munmap(mapping, mappingSize) }

    var floats: UnsafeMutablePointer<Float> { base.assumingMemoryBound(to: Float.self) }
    var ints: UnsafeMutablePointer<Int32> { base.assumingMemoryBound(to: Int32.self) }
    var floatArray: [Float] { Array(UnsafeBufferPointer(start: floats, count: byteCount / 4)) }
    var bits: [UInt32] { floatArray.map(\.bitPattern) }
}

/// A weight tensor of any type, and the numbers that it really holds.
struct Weights {
    let dtype: Int32
    let values: [Float]
    let memory: GuardedMemory

    init(_ wanted: [Float], _ type: podium_dtype) {
        dtype = Int32(type.rawValue)
        switch type {
        case PODIUM_BF16:
            let halves = wanted.map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
            values = halves.map { Float(bitPattern: UInt32($0) << 16) }
            memory = GuardedMemory(halves)
        case PODIUM_F16:
            let halves = wanted.map { Float16($0) }
            values = halves.map { Float($0) }
            memory = GuardedMemory(halves.map(\.bitPattern))
        case PODIUM_F8E4M3:
            let codes = wanted.map { E4M3.code($0) }
            values = codes.map { Float(E4M3.value($0)) }
            memory = GuardedMemory(codes)
        default:
            values = wanted
            memory = GuardedMemory(wanted)
        }
    }
}

let dtypes = [PODIUM_F32, PODIUM_BF16, PODIUM_F16, PODIUM_F8E4M3]

/// The instruction sets that this machine has; the plain one always.
let instructionSets = (0..<PODIUM_ISA_COUNT.rawValue).map { podium_isa(rawValue: $0) }.filter { podium_has_isa($0) }

/// Ways to split the blocks of a grid into ranges, in the order in which they run.
func splits(_ blocks: UInt64) -> [[(UInt64, UInt64)]] {
    var ways: [[(UInt64, UInt64)]] = [[(0, blocks)]]
    if blocks > 1 {
        ways.append((0..<blocks).reversed().map { ($0, $0 + 1) })
        let third = blocks / 3
        ways.append([(third, blocks), (0, third)])
    }
    return ways
}

func blockCount(_ grid: mlp_grid) -> UInt64 {
    UInt64(grid.blocks.0) * UInt64(grid.blocks.1) * UInt64(grid.blocks.2)
}

/// Runs `body` on every instruction set and split of `grid`, and returns the result.
///
/// All results must have the same bits. `output` is filled with NaN before each run, so that an element that is not written shows.
func runEverywhere(
    _ grid: mlp_grid,
    output: GuardedMemory,
    initial: [Float]? = nil,
    only sets: [podium_isa] = instructionSets,
    _ comment: Comment,
    _ body: (UnsafePointer<mlp_grid>, UInt64, UInt64) -> Void
) -> [Float] {
    var expected: [UInt32] = []
    defer { _ = instructionSets.last.map { podium_select_isa($0) } }
    for isa in sets {
        #expect(podium_select_isa(isa))
        for split in splits(blockCount(grid)) {
            for i in 0..<(output.byteCount / 4) { output.floats[i] = initial?[i] ?? .nan }
            withUnsafePointer(to: grid) { grid in
                for (first, last) in split { body(grid, first, last) }
            }
            if expected.isEmpty { expected = output.bits }
            // Which NaN it is may differ.  The bits themselves would flood.
            let differing = zip(output.bits, expected).filter { $0 != $1 && !(isNaN($0) && isNaN($1)) }.count
            #expect(differing == 0, "\(comment): bits differ on \(isa) split into \(split.count)")
        }
    }
    return output.floatArray
}

private func isNaN(_ bits: UInt32) -> Bool { bits & 0x7fff_ffff > 0x7f80_0000 }

/// Largest |got - wanted| / allowed; at most 1 is right.
///
/// NaN counts as infinitely wrong.
func worst(_ got: [Float], _ wanted: [Double], allowed: (Int) -> Double) -> Double {
    var worst = 0.0
    for (i, value) in got.enumerated() {
        let error = abs(Double(value) - wanted[i])
        worst = max(worst, error.isNaN ? .infinity : error == 0 ? 0 : error / allowed(i))
    }
    return worst
}
