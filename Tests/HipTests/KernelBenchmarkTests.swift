import CPluginAPI
import Kernels
import PluginAPI
import TextGeneration
import Testing

/// The launches of real size that `host bench kernels` times: that they are launches of their kernels.
@Suite struct KernelBenchmarkTests {
    @Test(arguments: [
        DeviceTarget.cpu, DeviceTarget(kind: MLP_DEVICE_HIP, architecture: "gfx950"),
        DeviceTarget(kind: MLP_DEVICE_CUDA, architecture: "sm_90"),
    ])
    func argumentsAreThoseOfTheSignature(target: DeviceTarget) {
        var count: UInt32 = 0
        guard let kernels = podium_kernels(&count) else { return }
        let benchmarks = KernelBenchmarks()
        var seen: Set<String> = []
        for kernel in 0..<count {
            let name = String(cString: kernels[Int(kernel)].name)
            let signature = Array(String(cString: kernels[Int(kernel)].signature).utf8)
            for number in 0..<100 {
                guard let benchmark = benchmarks.benchmark(kernel: kernel, number: UInt32(number), target: target)
                else {
                    break
                }
                let title = String(cString: benchmark.title)
                #expect(title.hasPrefix(target == .cpu ? "Llama 2 7B, " : "Llama 2 70B, "))
                #expect(seen.insert(name + title).inserted, "\(name): \(title) twice")
                #expect(benchmark.bytes > 0 && benchmark.launch.arguments.count == signature.count, "\(name): \(title)")
                for (index, argument) in benchmark.launch.arguments.enumerated() {
                    let isRandom = argument.flags & UInt32(MLP_ARG_RANDOM) != 0
                    let place = "\(name), \(title): argument \(index)"
                    #expect(!isRandom || (argument.data == nil && signature[index] == UInt8(ascii: "p")), "\(place)")
                    #expect(signature[index] == UInt8(ascii: "p") || argument.size == 4, "\(place)")
                }
                let grid = benchmark.launch.grid
                #expect(grid.blocks.0 > 0 && grid.blocks.1 > 0 && grid.blocks.2 > 0, "\(name): \(title)")
            }
        }
        #expect(seen.contains { $0.hasPrefix("gemm") } && seen.contains { $0.hasPrefix("paged_attention") })
    }
}
