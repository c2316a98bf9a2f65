/// The products of "AMD MI350X Training Benchmark Results" (tested 2026-01-08, a public document that is not AMD's),
/// "Benchmark 1b: GEMM Performance": torch.matmul through hipBLASLt, PyTorch 2.9.0, ROCm 7.0.0, one MI350X.
///
/// It follows SemiAnalysis, "MI300X vs H100 vs H200 Benchmark Part 1: Training": do_bench with a warm-up of 30 and 200
/// repetitions, the median, normally distributed operands, shapes of Llama 70B on 8 GPUs. The document writes a shape as
/// (M, K, N).
public enum MI350XStudy {
    /// One product with what was published of it.
    public struct Product: Sendable {
        /// What the command line calls it.
        public let name: String
        /// What the document calls it.
        public let title: String
        /// The extents of y[m,n] = x[m,k] * w[n,k]^T.
        public let m, n, k: Int
        /// Milliseconds as printed.
        public let milliseconds: [GemmBenchType: Double]
        /// TFLOP/s as printed.
        public let teraflops: [GemmBenchType: Double]
    }

    private static func product(
        _ name: String,
        _ title: String,
        _ extents: (m: Int, k: Int, n: Int),
        fp16: (Double, Double),
        bf16: (Double, Double)
    ) -> Product {
        Product(
            name: name,
            title: title,
            m: extents.m,
            n: extents.n,
            k: extents.k,
            milliseconds: [.fp16: fp16.0, .bf16: bf16.0],
            teraflops: [.fp16: fp16.1, .bf16: bf16.1]
        )
    }

    /// The seven products.
    public static let products = [
        product("qkv", "Fused QKV Projection", (16384, 8192, 1280), fp16: (0.398, 863), bf16: (0.381, 901)),
        product("attention", "Attention Output", (16384, 1024, 8192), fp16: (0.280, 981), bf16: (0.269, 1023)),
        product("ffn1", "FFN GEMM 1", (16384, 8192, 7168), fp16: (1.852, 1039), bf16: (1.757, 1095)),
        product("ffn2", "FFN GEMM 2", (16384, 3584, 8192), fp16: (0.983, 979), bf16: (0.927, 1038)),
        product("4k", "Standard Square (4K)", (4096, 4096, 4096), fp16: (0.146, 940), bf16: (0.142, 969)),
        product("8k", "Standard Square (8K)", (8192, 8192, 8192), fp16: (1.044, 1053), bf16: (0.996, 1104)),
        product("16k", "Large Square (16K)", (16384, 16384, 16384), fp16: (8.624, 1020), bf16: (8.309, 1059)),
    ]

    /// TFLOP/s on other GPUs at 8192 x 8192 x 8192 in bfloat16 as the document quotes SemiAnalysis.
    public static let others = [("MI300X", 620.0), ("H100", 720.0), ("H200", 720.0)]

    /// The mean of the published TFLOP/s of a type, nil if none were.
    public static func average(_ type: GemmBenchType) -> Double? {
        let published = products.compactMap { $0.teraflops[type] }
        return published.isEmpty ? nil : published.reduce(0, +) / Double(published.count)
    }

    /// What was published of a shape.
    public static func published(_ type: GemmBenchType, m: Int, n: Int, k: Int) -> Double? {
        products.first { $0.m == m && $0.n == n && $0.k == k }?.teraflops[type]
    }
}
