public import ArgumentParser
public import Core
import Glibc

/// `host quantize`: a checkpoint of plain floats becomes one in MXFP4 or FP8.
struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Quantises a checkpoint to MXFP4 or FP8 in Quark's layout, with calibration data.",
        usage: """
            host quantize --plugin libNAME.so --model DIR --output DIR --scheme mxfp4|fp8|fp8_o
                          [--kv-cache fp8|none] [--method gptq|rtn] [--calibration FILE] [--samples N] [--exclude P ...]
            """,
        discussion: """
            The calibration data is a data set as the plugin reads it.  One decoder layer after the other is in memory.  \
            An interrupted run goes on when the same command is given again, and the files are the same to the byte.  \
            Other settings (--threads, model_config.*) are those of a run.  Exit status: 0 done, 64 wrong input, \
            3 the plugin failed, 1 interrupted, no room on the disk, and the like.
            """
    )

    @Option(help: "Folder to write; empty, or left by an interrupted run.")
    var output: String

    @Option(help: "mxfp4: weights and activations in MXFP4.  fp8: both in FP8.  fp8_o: outputs as well.")
    var scheme: QuantizeRequest.Scheme

    @Option(help: "Type of the KV cache: fp8 or none.")
    var kvCache = QuantizeRequest.KVCache.fp8

    @Option(help: "How weights are rounded: gptq, or rtn (to the nearest).")
    var method = QuantizeRequest.Method.gptq

    @Option(help: "Calibration data.")
    var calibration: String?

    @Option(help: "How many samples of it, from the first.  Default: 128, or all.")
    var samples: Int?

    @Option(parsing: .upToNextOption, help: "Patterns of layers that stay as they are, beside those the plugin names.")
    var exclude: [String] = []

    @Option(help: "GPTQ: what is added to the Hessian's diagonal, as a share of its mean.")
    var damping = 0.01

    @Option(
        help: "GPTQ: which columns come first, activation (those with the largest inputs) or column (as they stand)."
    )
    var order = QuantizeRequest.Order.activation

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("Settings, as for a run.", valueName: "setting"))
    var words: [String] = []

    func run() throws {
        let status = reportingErrors {
            var configuration = try RunConfiguration(words: words)
            // Never the data set of a configuration file: that is what the result will be judged by.
            configuration.datasetPath = calibration
            let request = QuantizeRequest(
                configuration: configuration,
                output: output,
                scheme: scheme,
                kvCache: kvCache,
                method: method,
                samples: samples,
                exclude: exclude,
                damping: damping,
                order: order
            )
            let summary = try CheckpointQuantization(request, console: RunConsole()).run()
            write(QuantizeReport(summary).text, to: STDOUT_FILENO)
            return .valid
        }
        _exit(status.rawValue)
    }
}

extension QuantizeRequest.Scheme: ExpressibleByArgument {}
extension QuantizeRequest.KVCache: ExpressibleByArgument {}
extension QuantizeRequest.Method: ExpressibleByArgument {}
extension QuantizeRequest.Order: ExpressibleByArgument {}
