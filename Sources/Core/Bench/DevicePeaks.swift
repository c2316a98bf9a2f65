/// What a device can do at most, as its vendor says.
public struct DevicePeaks: Sendable, Equatable {
    /// Part of the name that drivers give such devices, in lower case.
    let pattern: String
    /// TFLOP/s of dense bfloat16 and half products.
    public let halfPrecision: Double
    /// TFLOP/s of dense FP8 products.
    public let fp8: Double
    /// TFLOP/s of dense MXFP4 products; nil where the hardware has none.
    public let mxfp4: Double?
    /// GB/s of the memory.
    public let bandwidth: Double
    /// Where the figures are from.
    public let source: String

    /// Dense figures, without structured sparsity; AMD's are what its data sheets round.
    static let all = [
        DevicePeaks(
            pattern: "mi300x",
            halfPrecision: 1307.4,
            fp8: 2614.9,
            mxfp4: nil,
            bandwidth: 5300,
            source: "AMD Instinct MI300X data sheet: 304 compute units, 2.1 GHz, 192 GB HBM3"
        ),
        DevicePeaks(
            pattern: "mi325x",
            halfPrecision: 1307.4,
            fp8: 2614.9,
            mxfp4: nil,
            bandwidth: 6000,
            source: "AMD Instinct MI325X data sheet: 304 compute units, 2.1 GHz, 256 GB HBM3E"
        ),
        DevicePeaks(
            pattern: "mi350x",
            halfPrecision: 2306.9,
            fp8: 4613.7,
            mxfp4: 9227.5,
            bandwidth: 8000,
            source: "AMD Instinct MI350X data sheet: 256 compute units, 2.2 GHz, 288 GB HBM3E"
        ),
        DevicePeaks(
            pattern: "mi355x",
            halfPrecision: 2516.6,
            fp8: 5033.2,
            mxfp4: 10066.3,
            bandwidth: 8000,
            source: "AMD Instinct MI355X data sheet: 256 compute units, 2.4 GHz, 288 GB HBM3E"
        ),
        DevicePeaks(
            pattern: "h100 pcie",
            halfPrecision: 756,
            fp8: 1513,
            mxfp4: nil,
            bandwidth: 2000,
            source: "NVIDIA H100 data sheet, PCIe; half of its figures with sparsity"
        ),
        DevicePeaks(
            pattern: "h100",
            halfPrecision: 989.4,
            fp8: 1978.9,
            mxfp4: nil,
            bandwidth: 3350,
            source: "NVIDIA H100 data sheet, SXM; half of its figures with sparsity"
        ),
        DevicePeaks(
            pattern: "h200",
            halfPrecision: 989.4,
            fp8: 1978.9,
            mxfp4: nil,
            bandwidth: 4800,
            source: "NVIDIA H200 data sheet, SXM; half of its figures with sparsity"
        ),
    ]

    /// The figures for a device of that name; nil if it is not in the table.
    public static func named(_ name: String) -> DevicePeaks? {
        let name = name.lowercased()
        return all.first { name.contains($0.pattern) }
    }
}
