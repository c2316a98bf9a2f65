import CPluginAPI
import Glibc
import JSON
import Numerics
import Testing

@testable import Core

/// How often do_bench runs its work, what its figures come to, and the study's arithmetic.
@Suite struct BenchTests {
    /// A clock that goes forward by what work and clearing are said to take.
    private final class FakeClock: BenchClock {
        var now = 0.0
        var marks: [Int: Double] = [:]
        var cleared = 0
        var works: [Double]
        var worked = 0

        init(_ works: [Double]) { self.works = works }

        func work() {
            now += works[min(worked, works.count - 1)]
            worked += 1
        }

        func mark(_ index: Int) { marks[index] = now }
        func synchronize() {}
        func milliseconds(from start: Int, to end: Int) -> Double { (marks[end] ?? .nan) - (marks[start] ?? .nan) }

        func clearCache() {
            cleared += 1
            now += 0.5
        }
    }

    /// 1 run, 5 to estimate (each with a clearing, which counts), then as many as fit in 30 and 200 ms.
    @Test(arguments: [(1.5, 15, 100), (0.5, 30, 200), (19.5, 1, 10), (99.5, 1, 3)])
    func millisecondsAreAsManyRunsAsFitIn(work: Double, warmups: Int, repetitions: Int) throws {
        let clock = FakeClock([work])
        let timing = try DoBench().measure(clock) { clock.work() }
        #expect(timing.sorted.count == repetitions && timing.warmups == 6 + warmups)
        #expect(clock.worked == 6 + warmups + repetitions && clock.cleared == 5 + repetitions)
        #expect(abs(timing.median - work) < 1e-9, "clearing is outside of the marks")
    }

    @Test func longWorkIsRunThreeTimesAfterTheFirst() throws {
        let clock = FakeClock([900, 300, 500, 400])
        let timing = try DoBench().measure(clock) { clock.work() }
        #expect(timing.sorted.map { $0.rounded() } == [300, 400, 500] && timing.warmups == 1 && clock.worked == 4)
    }

    @Test func countsAreRuns() throws {
        let clock = FakeClock([2])
        let timing = try DoBench(meaning: .counts).measure(clock) { clock.work() }
        #expect(timing.sorted.count == 200 && timing.warmups == 31)
        #expect(throws: ConfigError.self) { try DoBench(checkedWarmup: -1, repetitions: 1, counts: true) }
    }

    @Test func theMedianIsTheMiddle() {
        #expect(DoBench.Timing(warmups: 0, sorted: [1, 2, 9]).median == 2)
        #expect(DoBench.Timing(warmups: 0, sorted: [1, 2, 4, 9]).median == 3)
        #expect(DoBench.Timing(warmups: 0, sorted: []).median.isNaN)
    }

    /// The document's averages (982 and 1,027), its ratios to an MI300X and an H100 (78 % and 53 %), and its TFLOP/s, which
    /// follow from its shapes and times.
    @Test func theStudysArithmeticReproduces() throws {
        #expect(MI350XStudy.products.count == 7)
        #expect(try #require(MI350XStudy.average(.fp16)).rounded() == 982)
        #expect(try #require(MI350XStudy.average(.bf16)).rounded() == 1027)
        #expect(MI350XStudy.average(.fp8) == nil)
        let best = try #require(MI350XStudy.published(.bf16, m: 8192, n: 8192, k: 8192))
        let ratios = MI350XStudy.others.map { ((best / $0.1 - 1) * 100).rounded() }
        #expect(ratios == [78, 53, 53])
        for product in MI350XStudy.products {
            let shape = GemmShape(m: product.m, n: product.n, k: product.k, x: .bf16, w: .bf16, y: .bf16)
            for (type, milliseconds) in product.milliseconds {
                let found = shape.operations / milliseconds / 1e9
                let printed = try #require(product.teraflops[type])
                #expect(abs(found / printed - 1) < 0.004, "\(product.name) \(type): \(found) for \(printed)")
            }
        }
        let qkv = try GemmBench.Case("QKV")
        #expect((qkv.m, qkv.k, qkv.n) == (16384, 8192, 1280))
        #expect(MI350XStudy.published(.fp16, m: qkv.m, n: qkv.n, k: qkv.k) == 863)
    }

    @Test(arguments: [
        ("AMD Instinct MI300X", 1307.4), ("AMD Instinct MI355X OAM", 2516.6), ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756), ("NVIDIA H200", 989.4),
    ])
    func peaksAreFoundByName(name: String, halfPrecision: Double) {
        #expect(DevicePeaks.named(name)?.halfPrecision == halfPrecision)
        #expect(DevicePeaks.named("Fake GPU 0") == nil)
    }

    private static func report() -> GemmBenchReport {
        let row = { (product: String, type: GemmBenchType, times: [Double]) throws -> GemmBench.Row in
            let product = try GemmBench.Case(product)
            let element: ElementType = type == .fp16 ? .f16 : .bf16
            var row = GemmBench.Row(
                product: product,
                type: type,
                shape: GemmShape(m: product.m, n: product.n, k: product.k, x: element, w: element, y: element)
            )
            if times.isEmpty {
                row.problem = "the library refuses"
            } else {
                row.timing = .init(warmups: 7, sorted: times)
            }
            return row
        }
        let rows = try? [
            row("8k", .bf16, [0.9, 1.0, 1.2]), row("qkv", .bf16, [0.4, 0.4, 0.4]), row("64x32x16", .fp16, []),
        ]
        return GemmBenchReport(
            device: "hip:0",
            properties: DeviceProperties(
                kind: .hip,
                name: "AMD Instinct MI350X",
                architecture: "gfx950",
                memorySize: 1,
                computeUnits: 256,
                waveSize: 64,
                maximumThreadsPerBlock: 1024,
                maximumSharedBytesPerBlock: 160 << 10
            ),
            threads: 2,
            library: "libhipblaslt.so.1",
            timing: DoBench(),
            measuredPeak: nil,
            rows: rows ?? []
        )
    }

    @Test func theTableShowsWhatWasFound() {
        let lines = Self.report().text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "hip:0  AMD Instinct MI350X, gfx950; products by libhipblaslt.so.1")
        #expect(
            lines[2]
                == "  shape         M     N     K  type     ms  least  runs  TFLOP/s  of peak  MI350X study  ratio"
        )
        #expect(
            lines[3]
                == "  8k         8192  8192  8192  bf16   1.00  0.900     3     1100     48 %          1104  0.996"
        )
        #expect(
            lines[4]
                == "  qkv       16384  1280  8192  bf16  0.400  0.400     3      859     37 %           901  0.953"
        )
        #expect(
            lines[5] == "  64x32x16     64    32    16  fp16      -      -     -        -        -             -      -"
        )
        #expect(
            lines.contains {
                $0.hasPrefix("bf16, mean of the study's shapes: 979 TFLOP/s; published for an MI350X: 1003")
            }
        )
        #expect(lines.contains("64x32x16, fp16: not timed: the library refuses"))
        #expect(lines.contains { $0.hasPrefix("peak: AMD Instinct MI350X data sheet") })
    }

    @Test func theJSONHasItsFields() throws {
        let json = Self.report().json
        #expect(json["device"] == "hip:0" && json["method"]?["unit"] == "milliseconds")
        guard case .array(let rows)? = json["rows"] else { throw BenchFailure("no rows") }
        #expect(rows.count == 3 && rows[0]["median_ms"] == .number(1) && rows[0]["repetitions"] == 3)
        guard case .number(let share)? = rows[0]["share_of_peak"], case .number(let rate)? = rows[0]["tflops"] else {
            throw BenchFailure("no share")
        }
        #expect(abs(rate - 1099.5116) < 1e-3 && abs(share - rate / 2306.9) < 1e-9)
        #expect(rows[2]["problem"] == "the library refuses" && rows[2]["median_ms"] == .null)
        _ = try JSON(parsing: json.text(pretty: true))
    }

    @Test func figuresHaveThreeDigits() {
        let figures = [1234.5, 99.95, 9.999, 0.5, 0.01234, -1.25].map { BenchTable.figure($0) }
        #expect(figures == ["1235", "100.0", "10.00", "0.500", "0.0123", "-1.25"])
        #expect(
            BenchTable.figure(nil) == "-" && BenchTable.percent(0.782) == "78 %" && BenchTable.percent(0.05) == "5.0 %"
        )
    }

    @Test func normalNumbersAreNormalAndFollowFromTheirPlace() {
        let numbers = NormalNumbers(seed: 3)
        let all = numbers.values(0, 100_000)
        let mean = all.map(Double.init).reduce(0, +) / 1e5
        let variance = all.map { Double($0) * Double($0) }.reduce(0, +) / 1e5
        #expect(abs(mean) < 0.02 && abs(variance - 1) < 0.03 && all.allSatisfy(\.isFinite))
        #expect(numbers.values(77, 5) == Array(all[77..<82]))
        #expect(NormalNumbers(seed: 4).values(0, 4) != Array(all[..<4]))
    }
}

/// The benchmarks on small shapes, on the processor and on libraries that multiply in host memory.
@Suite(.serialized) struct BenchRunTests {
    private let quick = DoBench(warmup: 1, repetitions: 2)

    @Test func theProcessorMultipliesRightAndIsTimed() throws {
        let bench = try GemmBench(threads: 2, shapes: "40x24x64,33x17x96", timing: quick)
        let report = try bench.run()
        #expect(report.rows.count == 4 && report.library == "podium_gemm" && report.device == "cpu:0")
        for row in report.rows {
            #expect(row.shape.x == .f32 && (row.timing?.sorted.count ?? 0) >= 3 && row.problem == nil)
            #expect((row.error ?? 2) <= 1 && (row.teraflops ?? 0) > 0)
        }
        #expect((report.measuredPeak ?? 0) > 0)
        let refused = try GemmBench(threads: 1, shapes: "4x8x32", types: "mxfp4", timing: quick).run().rows[0]
        #expect(refused.problem?.contains("podium_gemm takes") == true && refused.timing == nil)
    }

    @Test(arguments: ["hip:1", "cuda:0"])
    func aVendorsLibraryIsCheckedAndTimed(device: String) throws {
        setenv("PODIUM_HIP_LIBRARY", FakeDriver.path, 1)
        setenv("PODIUM_CUDA_LIBRARY", FakeDriver.path, 1)
        setenv("PODIUM_HIPBLASLT_LIBRARY", FakeDriver.path, 1)
        setenv("PODIUM_CUBLASLT_LIBRARY", FakeDriver.path, 1)
        FakeDriver.configure("devices=2,protect=1")
        let types = device.hasPrefix("hip") ? "fp16,bf16,fp8,mxfp4" : "fp16,bf16,fp8"
        let report = try GemmBench(device: device, shapes: "5x9x64", types: types, timing: quick).run()
        #expect(report.device == device && report.library == FakeDriver.path)
        for row in report.rows {
            #expect(row.problem == nil && (row.error ?? 2) <= 1, "\(row.type): \(row.problem ?? "")")
        }
    }

    @Test func aWrongProductIsNotTimed() throws {
        let group = try DeviceGroup.cpu(threads: 1, plugin: "Test")
        let shape = GemmShape(m: 8, n: 12, k: 32, x: .f32, w: .bf16, y: .f32)
        let x = try RandomMatrix(group, rows: 8, columns: 32, type: .f32, hasScales: false, seed: 1)
        let w = try RandomMatrix(group, rows: 12, columns: 32, type: .bf16, hasScales: false, seed: 2)
        let other = try RandomMatrix(group, rows: 12, columns: 32, type: .bf16, hasScales: false, seed: 5)
        let stream = try group.backend.makeStream(device: 0)
        let y = try group.backend.allocate(device: 0, size: 8 * 12 * 4, purpose: "a test")
        defer { try? group.backend.deallocate(device: 0, y) }
        try group.makeGemm(.kernels).multiply(shape, GemmOperands(x: x.data, w: w.data, y: y), on: stream)
        #expect(try GemmVerification.check(shape, x: x, w: w, y: y, on: stream) <= 1)
        #expect(throws: BenchFailure.self) { try GemmVerification.check(shape, x: x, w: other, y: y, on: stream) }
    }

    @Test(arguments: ["1x2", "0x1x1", "qkw", "1x2x3x4", "-1x2x3"])
    func shapesThatAreNoneAreNamed(word: String) {
        let error = #expect(throws: ConfigError.self) { try GemmBench.Case(word) }
        #expect(error?.description.contains("'\(word)'") == true)
    }

    @Test func wordsThatMeanNothingAreNamed() {
        #expect(throws: ConfigError.self) { try GemmBench(types: "fp64") }
        #expect(throws: ConfigError.self) { try GemmBench(library: "mkl") }
        #expect(throws: ConfigError.self) { try GemmBench(device: "tpu") }
        #expect(throws: ConfigError.self) { try GemmBench(threads: 0) }
        #expect(throws: ConfigError.self) { try BandwidthBench(megabytes: 0) }
        #expect(throws: DeviceError.self) { try GemmBench(library: "vendor") }
    }

    @Test func memoryIsMeasuredPerThreadCount() throws {
        let report = try BandwidthBench(threads: 2, megabytes: 4, timing: quick).run()
        #expect(report.rows.map(\.name) == ["copy", "read", "write", "copy", "read", "write"])
        #expect(report.rows.map(\.threads) == [1, 1, 1, 2, 2, 2])
        #expect(report.rows.allSatisfy { $0.gigabytes > 0 && $0.best >= $0.gigabytes })
        #expect(report.text.contains("of limit") && report.json["buffer_bytes"] == 4_194_304)
    }
}
