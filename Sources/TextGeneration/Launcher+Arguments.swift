public import CPluginAPI
public import Kernels
public import PluginAPI

extension Launcher {
    /// Launches a kernel on a stream; during a recording, records the launch.
    ///
    /// - Parameters:
    ///   - kernel: Which one.
    ///   - grid: From the kernel family's own grid function.
    ///   - stream: Where.
    ///   - arguments: In the order of the kernel's signature.
    /// - Throws: `PluginError` when the host refuses the launch.
    public func launch(
        _ kernel: podium_kernel,
        _ grid: mlp_grid,
        on stream: PluginAPI.Stream,
        _ arguments: [KernelArgument]
    ) throws {
        let words = arguments.map(\.word)
        try words.withUnsafeBufferPointer { words in
            guard let first = words.baseAddress else { return }
            let addresses = words.indices.map { UnsafeRawPointer(first + $0) as UnsafeRawPointer? }
            try addresses.withUnsafeBufferPointer {
                try launch(stream, kernel: UInt32(kernel.rawValue), grid: grid, arguments: $0)
            }
        }
    }
}
