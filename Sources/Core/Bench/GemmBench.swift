import CPluginAPI
import Glibc
import Numerics

/// `host bench gemm`: dense products as the MI350X study times them.
public struct GemmBench: Sendable {
    /// One product that is timed.
    public struct Case: Sendable, Equatable {
        /// The study's name for it, or its extents.
        public var name: String
        /// The extents of y[m,n] = x[m,k] * w[n,k]^T.
        public var m, n, k: Int

        /// Reads `qkv`, `attention`, `ffn1`, `ffn2`, `4k`, `8k`, `16k` or `MxNxK`.
        ///
        /// - Throws: `ConfigError` for anything else.
        public init(_ word: String) throws {
            if let known = MI350XStudy.products.first(where: { $0.name == word.lowercased() }) {
                self.init(known)
                return
            }
            let extents = word.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
            guard extents.count == 3, extents.allSatisfy({ (1...1 << 20).contains($0) }) else {
                let names = MI350XStudy.products.map(\.name).joined(separator: ", ")
                throw ConfigError(
                    "--shapes: expected MxNxK such as 4096x1280x8192, or one of \(names); found '\(word)'"
                )
            }
            self.init(name: word.lowercased(), m: extents[0], n: extents[1], k: extents[2])
        }

        init(_ product: MI350XStudy.Product) {
            self.init(name: product.name, m: product.m, n: product.n, k: product.k)
        }

        init(name: String, m: Int, n: Int, k: Int) {
            self.name = name
            (self.m, self.n, self.k) = (m, n, k)
        }
    }

    /// What was found of a case in a format.
    public struct Row: Sendable {
        /// Which product.
        public var product: Case
        /// In which format.
        public var type: GemmBenchType
        /// What was multiplied, types included.
        public var shape: GemmShape
        /// Its times; nil if it could not be multiplied.
        public var timing: DoBench.Timing?
        /// The worst of the elements that were checked, in units of what rounding allows.
        public var error: Double?
        /// Why there is no time.
        public var problem: String?

        /// 2 m n k / t.
        public var teraflops: Double? { timing.map { shape.operations / ($0.median * 1e-3) / 1e12 } }
        /// What the study published for it.
        public var published: Double? { MI350XStudy.published(type, m: shape.m, n: shape.n, k: shape.k) }
    }

    private let cases: [Case]
    private let types: [GemmBenchType]?
    private let choice: GemmChoice
    private let timing: DoBench
    private let group: DeviceGroup
    private let gemm: any DeviceGemm
    private let properties: DeviceProperties

    /// Opens the device and what multiplies on it.
    ///
    /// - Parameters:
    ///   - device: `cpu`, `hip:0`, `cuda:0`.
    ///   - threads: Threads of a processor; nil: one for each usable CPU.
    ///   - shapes: Words separated by commas, see `Case.init`; nil: the study's seven.
    ///   - types: Formats separated by commas; nil: those that the device has.
    ///   - library: `automatic`, `vendor` or `kernels`.
    ///   - timing: How long is warmed up and measured.
    /// - Throws: `ConfigError` for words that mean nothing; `DeviceError` for what is missing.
    public init(
        device: String = "cpu",
        threads: Int? = nil,
        shapes: String? = nil,
        types: String? = nil,
        library: String = "automatic",
        timing: DoBench = DoBench()
    ) throws {
        cases = try shapes?.split(separator: ",").map { try Case(String($0)) } ?? MI350XStudy.products.map(Case.init)
        self.types = try types?.split(separator: ",").map { word in
            guard let type = GemmBenchType(rawValue: word.lowercased()) else {
                let names = GemmBenchType.allCases.map(\.rawValue).joined(separator: ", ")
                throw ConfigError("--dtype: expected some of \(names); found '\(word)'")
            }
            return type
        }
        guard let choice = GemmChoice(rawValue: library.lowercased()) else {
            throw ConfigError("--library: expected automatic, vendor or kernels; found '\(library)'")
        }
        self.choice = choice
        self.timing = timing
        group = try DeviceGroup.forBench(device, threads: threads)
        gemm = try group.makeGemm(choice)
        properties = try group.backend.properties(of: group.devices[0])
    }

    /// Times every case in every format.
    ///
    /// - Parameter progress: Called with each row when it is done.
    /// - Returns: What was found.
    /// - Throws: `DeviceError`; `BenchFailure` for a product that is wrong.
    public func run(progress: (Row) -> Void = { _ in }) throws -> GemmBenchReport {
        let isProcessor = properties.kind == .cpu
        var peak = isProcessor ? ProcessorLimits.multiplyAdds(group.pool) : 0
        var rows: [Row] = []
        for type in types ?? GemmBenchType.all(on: properties) {
            for product in cases {
                let row = try measure(product, type)
                progress(row)
                rows.append(row)
            }
        }
        if isProcessor { peak = max(peak, ProcessorLimits.multiplyAdds(group.pool)) }
        return GemmBenchReport(
            device: "\(properties.kind):\(group.devices[0])",
            properties: properties,
            threads: group.pool.threadCount,
            library: gemm.name,
            timing: timing,
            measuredPeak: isProcessor ? peak / 1e3 : nil,
            rows: rows
        )
    }

    private func measure(_ product: Case, _ type: GemmBenchType) throws -> Row {
        let shape = type.shape(m: product.m, n: product.n, k: product.k, by: gemm, on: properties)
        var row = Row(product: product, type: type, shape: shape)
        let stream = try group.backend.makeStream(device: group.devices[0])
        do throws(DeviceError) {
            try gemm.prepare(shape, on: stream)
        } catch {
            guard error.status == mlp_status(MLP_UNSUPPORTED) else { throw error }
            row.problem = error.message
            return row
        }
        let isScaled = shape.scaling != .none
        let x = try RandomMatrix(group, rows: shape.m, columns: shape.k, type: shape.x, hasScales: isScaled, seed: 1)
        let w = try RandomMatrix(group, rows: shape.n, columns: shape.k, type: shape.w, hasScales: isScaled, seed: 2)
        let device = group.devices[0]
        let size = UInt64(shape.m * shape.n * shape.y.bitWidth / 8)
        let y = try group.backend.allocate(device: device, size: size, purpose: "the result of \(shape)")
        defer { try? group.backend.deallocate(device: device, y) }
        try stream.fill(y, value: 0xff, size: size)
        let operands = GemmOperands(x: x.data, w: w.data, y: y, xScales: x.scales, wScales: w.scales)
        try gemm.multiply(shape, operands, on: stream)
        row.error = try GemmVerification.check(shape, x: x, w: w, y: y, on: stream)
        let clock = DeviceBenchClock(group, stream)
        row.timing = try timing.measure(clock) { try gemm.multiply(shape, operands, on: stream) }
        return row
    }
}

extension DeviceGroup {
    /// One device for a benchmark.
    ///
    /// - Throws: `ConfigError` for a word that names no device; `DeviceError`.
    static func forBench(_ device: String, threads: Int?) throws -> DeviceGroup {
        guard let selection = DeviceSelection(device) else {
            throw ConfigError("--device: expected cpu, hip:N or cuda:N; found '\(device)'")
        }
        guard threads.map({ (1...4096).contains($0) }) ?? true else {
            throw ConfigError("--threads: expected a number from 1 to 4096")
        }
        return try selected(selection, count: 1, threads: threads, plugin: "host bench")
    }
}
