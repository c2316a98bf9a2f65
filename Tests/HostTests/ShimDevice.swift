import Testing

@testable import Core

/// The GPUs that ShimDriver plays: the HIP sources of the kernels, run on the CPU behind a vendor's interface.
enum ShimDevice: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case gfx942, gfx950
    /// sm_90, through CUDA's names: warps of 32, no matrix cores.
    case warp32

    var testDescription: String { rawValue }

    private static let driver = HostProcess.products + "/libShimDriver.so"
    /// What the driver's compiler makes is kept here, and not in the user's folder.
    private static let cache = (try? TemporaryFolder.folder()) ?? "/tmp"

    /// The words of the command line that choose it.
    var words: [String] { ["--device", self == .warp32 ? "cuda:0" : "hip:0"] }

    /// What a process finds the driver by.
    ///
    /// - Parameters:
    ///   - machine: More of FAKE_GPU (Tests/Fixtures/FakeDriver/include/fake_driver.h).
    ///   - memory: Bytes of device memory.
    ///   - logits: A file that the logits of every step go to.
    /// - Returns: Its environment.
    func environment(_ machine: String = "late=1", memory: Int = 256 << 20, logits: String? = nil) -> [String: String] {
        let words = ["protect=1", "memory=\(memory)", self == .gfx950 ? "arch=gfx950" : "", machine]
        var environment = [
            "FAKE_GPU": words.filter { !$0.isEmpty }.joined(separator: ","), "XDG_CACHE_HOME": Self.cache,
        ]
        let names = self == .warp32 ? ["CUDA", "NVRTC"] : ["HIP", "HIPRTC"]
        for name in names { environment["PODIUM_\(name)_LIBRARY"] = Self.driver }
        if let logits { environment["SHIM_LOGITS"] = logits }
        return environment
    }
}
