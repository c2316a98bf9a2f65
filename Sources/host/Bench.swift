import ArgumentParser

/// `host bench`: what a device can do.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures dense products, memory and a plugin's kernels on a device.",
        usage: "host bench gemm [--device cpu|hip:0|cuda:0] [--json] ...",
        subcommands: [BenchGemm.self, BenchBandwidth.self, BenchKernels.self]
    )
}
