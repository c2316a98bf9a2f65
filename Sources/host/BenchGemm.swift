import ArgumentParser
import Core
import Glibc
import JSON

/// `host bench gemm`: dense products as the MI350X study times them.
struct BenchGemm: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm",
        abstract: "Times dense products at the MI350X study's shapes and compares with what it published.",
        usage: """
            host bench gemm [--device cpu|hip:0|cuda:0] [--shapes qkv,ffn1,MxNxK] [--dtype fp16,bf16,fp8,mxfp4]
                            [--library automatic|vendor|kernels] [--json]
            """,
        discussion: """
            y[M,N] = x[M,K] * w[N,K]^T. On a GPU through the vendor's library (hipBLASLt, rocBLAS, cuBLASLt) or with \
            --library kernels by our own; on a processor by our own, with x and y in float32 and w in the type named. \
            Elements of each product are compared with sums in double before it is timed. The seven shapes of the study \
            take a processor with two cores some ten minutes.
            """
    )

    @Option(help: "cpu, hip:N or cuda:N.")
    var device = "cpu"

    @Option(help: "Threads of a processor; default: one for each CPU that may be used.")
    var threads: Int?

    @Option(help: "Some of qkv, attention, ffn1, ffn2, 4k, 8k, 16k and MxNxK; default: these seven.")
    var shapes: String?

    @Option(help: "Some of fp16, bf16, fp8 and mxfp4; default: what the hardware multiplies.")
    var dtype: String?

    @Option(help: "automatic, vendor or kernels.")
    var library = "automatic"

    @Option(help: "Warm-up, in milliseconds or runs.")
    var warmup = 30.0

    @Option(help: "Timed repetitions, in milliseconds or runs.")
    var rep = 200.0

    @Flag(help: "--warmup and --rep count runs, as an older do_bench did.")
    var counts = false

    @Flag(help: "Prints JSON.")
    var json = false

    func run() throws {
        let status = reportingErrors {
            let bench = try GemmBench(
                device: device,
                threads: threads,
                shapes: shapes,
                types: dtype,
                library: library,
                timing: try DoBench(checkedWarmup: warmup, repetitions: rep, counts: counts)
            )
            let report = try bench.run { write(GemmBenchReport.line($0) + "\n", to: STDERR_FILENO) }
            write(json ? report.json.text(pretty: true) + "\n" : report.text, to: STDOUT_FILENO)
            return .valid
        }
        _exit(status.rawValue)
    }
}
