import CPluginAPI
import Kernels
public import PluginAPI

/// Launches of real size for the kernels in `podium_kernels()`: those of a step of Llama 2 70B on a GPU, of Llama 2 7B on a
/// processor.
///
/// Bytes and operations are what any kernel for it must move and do: weights, activations and keys once.
public final class KernelBenchmarks {
    private var current: (launch: WorkedExample, title: BenchmarkTitle)?

    /// Benchmarks of which none is made yet.
    public init() {}

    /// A benchmark; its memory lives until the next call.
    ///
    /// - Parameters:
    ///   - kernel: An index into `podium_kernels()`.
    ///   - number: 0, 1, ...
    ///   - target: Decides sizes, grid, and layouts that are private to kernels.
    /// - Returns: The benchmark, or nil after the last.
    public func benchmark(kernel: UInt32, number: UInt32, target: DeviceTarget) -> KernelBenchmark? {
        let step = BenchmarkStep(podium_backend_of(target.kind, target.architecture))
        let cases = step.cases(podium_kernel(rawValue: kernel))
        guard number < cases.count else { return nil }
        let chosen = cases[Int(number)]
        let launch = WorkedExample(grid: chosen.grid, chosen.arguments())
        let title = BenchmarkTitle("Llama 2 \(step.model), \(chosen.title)")
        current = (launch, title)
        return KernelBenchmark(
            launch: KernelExample(grid: launch.grid, arguments: launch.arguments),
            title: title.pointer,
            bytes: UInt64(chosen.bytes),
            operations: UInt64(chosen.operations)
        )
    }
}

/// A title as the contract passes it.
private final class BenchmarkTitle {
    let pointer: UnsafePointer<CChar>

    init(_ text: String) {
        let characters = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
        for (index, character) in characters.enumerated() { (copy + index).initialize(to: character) }
        pointer = UnsafePointer(copy)
    }

    deinit { pointer.deallocate() }
}

/// One launch with what it must move and do; its arguments are made when it is its turn.
struct BenchmarkCase {
    var title: String
    var grid: mlp_grid
    var bytes: Int
    var operations: Int
    var arguments: () -> [ExampleArgument]
}

/// The sizes of a model, and of the steps that are timed.
struct BenchmarkStep {
    let backend: podium_backend
    let model: String
    let width, feedForward, heads, kvHeads, vocabulary: Int
    let headDim = 128
    /// Rows of a step.
    let rowCounts: [Int]
    /// Keys of each sequence.
    let keys: Int

    init(_ backend: podium_backend) {
        self.backend = backend
        let isProcessor = backend == PODIUM_BACKEND_CPU
        model = isProcessor ? "7B" : "70B"
        (width, feedForward) = isProcessor ? (4096, 11008) : (8192, 28672)
        (heads, kvHeads) = isProcessor ? (32, 32) : (64, 8)
        vocabulary = 32000
        rowCounts = isProcessor ? [1, 16] : [1, 64, 1024]
        keys = isProcessor ? 1024 : 2048
    }

    func cases(_ kernel: podium_kernel) -> [BenchmarkCase] {
        switch kernel {
        case PODIUM_EMBEDDING: rowCounts.map(embedding)
        case PODIUM_RMS_NORM: rowCounts.map(rmsNorm)
        case PODIUM_GEMM: products()
        case PODIUM_GEMM_SILU_GATE: rowCounts.map(gatedProduct)
        case PODIUM_PAGED_ATTENTION: rowCounts.filter { $0 <= 64 }.map(decoding) + [prefill]
        case PODIUM_ARGMAX: rowCounts.map(argmax)
        case PODIUM_ADD: rowCounts.map { elementwise($0, width, inputs: 1) }
        case PODIUM_SILU_GATE: rowCounts.map { elementwise($0, feedForward, inputs: 2) }
        default: []
        }
    }

    private func floats(_ count: Int) -> ExampleArgument { .random(count: count, type: MLP_F32, bytes: 4) }

    private func words(_ rows: Int) -> String { rows == 1 ? "1 row" : "\(rows) rows" }

    private func embedding(_ rows: Int) -> BenchmarkCase {
        BenchmarkCase(
            title: words(rows),
            grid: podium_grid_embedding(backend, Int32(rows)),
            bytes: rows * width * (2 + 4),
            operations: 0
        ) {
            [
                .int(Int(PODIUM_BF16.rawValue)), floats(rows * width),
                .random(count: vocabulary * width, type: MLP_BF16, bytes: 2),
                .ints((0..<rows).map { $0 * 7919 % vocabulary }), .ints([rows]), .int(rows), .int(vocabulary),
                .int(width),
            ]
        }
    }

    private func rmsNorm(_ rows: Int) -> BenchmarkCase {
        BenchmarkCase(
            title: words(rows),
            grid: podium_grid_rms_norm(backend, Int32(rows)),
            bytes: rows * width * 8 + width * 2,
            operations: rows * width * 4
        ) {
            [
                .int(Int(PODIUM_BF16.rawValue)), floats(rows * width), floats(rows * width),
                .random(count: width, type: MLP_BF16, bytes: 2), .null, .ints([rows]), .int(rows), .int(width),
                .float(1e-5),
            ]
        }
    }

    private func products() -> [BenchmarkCase] {
        let layers = [
            ("q, k and v", (heads + 2 * kvHeads) * headDim, width), ("attention out", width, width),
            ("down", width, feedForward),
        ]
        var cases: [BenchmarkCase] = []
        for (type, contract, bytes, name) in [
            (PODIUM_BF16, MLP_BF16, 2, "BF16"), (PODIUM_F8E4M3, MLP_F8E4M3, 1, "FP8"),
        ] {
            for (layer, n, k) in layers {
                for rows in rowCounts {
                    cases.append(
                        BenchmarkCase(
                            title: "\(layer), \(name), \(words(rows))",
                            grid: podium_grid_gemm(backend, Int32(rows), Int32(n), Int32(k)),
                            bytes: n * k * bytes + rows * (n + k) * 4 + (bytes == 1 ? n * 4 : 0),
                            operations: 2 * rows * n * k
                        ) {
                            [
                                .int(Int(type.rawValue)), floats(rows * n), floats(rows * k),
                                .random(count: n * k, type: contract, bytes: bytes), bytes == 1 ? floats(n) : .null,
                                .null,
                                .int(0), .ints([rows]), .int(rows), .int(n), .int(k), .int(0),
                            ]
                        }
                    )
                }
            }
        }
        return cases
    }

    private func gatedProduct(_ rows: Int) -> BenchmarkCase {
        let (n, k) = (feedForward, width)
        return BenchmarkCase(
            title: "gate and up, BF16, \(words(rows))",
            grid: podium_grid_gemm_silu_gate(backend, Int32(rows), Int32(n), Int32(k)),
            bytes: 2 * n * k * 2 + rows * (n + k) * 4,
            operations: 4 * rows * n * k
        ) {
            let weights = ExampleArgument.random(count: n * k, type: MLP_BF16, bytes: 2)
            return [
                .int(Int(PODIUM_BF16.rawValue)), floats(rows * n), floats(rows * k), weights, weights, .null, .null,
                .ints([rows]), .int(rows), .int(n), .int(k),
            ]
        }
    }

    private func decoding(_ rows: Int) -> BenchmarkCase {
        let sequences = rows == 1 ? "1 sequence" : "\(rows) sequences"
        return attention(
            title: "decoding, FP8 cache, \(sequences) of \(keys) keys",
            slots: Array(0..<rows),
            positions: Array(repeating: keys - 1, count: rows)
        )
    }

    private var prefill: BenchmarkCase {
        let rows = min(keys, 512)
        return attention(
            title: "prefill, FP8 cache, \(rows) rows of 1 sequence",
            slots: Array(repeating: 0, count: rows),
            positions: Array(0..<rows)
        )
    }

    private func attention(title: String, slots: [Int], positions: [Int]) -> BenchmarkCase {
        let (rows, pageSize) = (slots.count, 16)
        let pagesOfSlot = keys / pageSize
        let slotCount = (slots.max() ?? 0) + 1
        let pages = slotCount * pagesOfSlot
        var longest = [Int](repeating: 0, count: slotCount)
        for (slot, position) in zip(slots, positions) { longest[slot] = max(longest[slot], position + 1) }
        let seen = positions.reduce(0) { $0 + $1 + 1 }
        let workspace = podium_attention_workspace_size(
            backend,
            Int32(rows),
            Int32(heads),
            Int32(kvHeads),
            Int32(headDim),
            Int32(pageSize),
            Int32(pagesOfSlot)
        )
        return BenchmarkCase(
            title: title,
            grid: podium_grid_paged_attention(
                backend,
                Int32(rows),
                Int32(heads),
                Int32(kvHeads),
                Int32(pageSize),
                Int32(pagesOfSlot)
            ),
            bytes: longest.reduce(0, +) * kvHeads * headDim * 2 + rows * heads * headDim * 8,
            operations: 4 * seen * heads * headDim
        ) {
            let cache = ExampleArgument.random(
                count: pages * kvHeads * pageSize * headDim,
                type: MLP_F8E4M3,
                bytes: 1
            )
            // Pages of a sequence do not lie one after another.
            let table = (0..<pages).map { $0 % pagesOfSlot * slotCount + $0 / pagesOfSlot }
            return [
                .int(Int(PODIUM_F8E4M3.rawValue)), floats(rows * heads * headDim), floats(rows * heads * headDim),
                .int(0),
                cache, cache, .float(0.5), .float(0.5), .ints(table), .ints(slots), .ints(positions), .ints([rows]),
                .int(rows), .int(heads), .int(kvHeads), .int(headDim), .int(pageSize), .int(pagesOfSlot),
                .float(0.088388346), workspace > 0 ? floats(workspace / 4) : .null,
            ]
        }
    }

    private func argmax(_ rows: Int) -> BenchmarkCase {
        BenchmarkCase(
            title: words(rows),
            grid: podium_grid_argmax(backend, Int32(rows)),
            bytes: rows * (vocabulary + 1) * 4,
            operations: 0
        ) {
            [
                .random(count: rows, type: MLP_I32, bytes: 4), floats(rows * vocabulary), .ints([rows]), .int(rows),
                .int(vocabulary), .null, .null, .int(0),
            ]
        }
    }

    private func elementwise(_ rows: Int, _ width: Int, inputs: Int) -> BenchmarkCase {
        BenchmarkCase(
            title: words(rows),
            grid: podium_grid_elementwise(backend, Int32(rows)),
            bytes: 3 * rows * width * 4,
            operations: inputs * rows * width
        ) {
            let matrix = floats(rows * width)
            return Array(repeating: matrix, count: inputs + 1) + [.ints([rows]), .int(rows), .int(width)]
        }
    }
}
