import HipShim
import Testing

/// The shim itself: it runs what is right and tells what a GPU would hang on or get wrong.
@Suite struct ShimTests {
    private func run(_ kernel: String, threads: UInt32 = 128) -> (message: String?, out: [Int32]) {
        let out = DeviceBuffer([Int32](repeating: -7, count: 256))
        let message = shim_launch_wrong(kernel, threads, out.base.assumingMemoryBound(to: Int32.self))
        return (message.map { String(cString: $0) }, out.array(Int32.self))
    }

    @Test func barriersAndExchangesAreReal() {
        let (message, out) = run("right")
        #expect(message == nil)
        #expect(out[..<128].elementsEqual((0..<128).map { Int32(127 - $0 + ($0 ^ 1)) }))
    }

    @Test(arguments: [
        ("barrier_in_a_branch", "waits in a barrier (wrong_kernels.cpp:"),
        ("exchange_in_a_branch", "waits in an exchange of its warp"),
        ("early_return", "but thread 5 has returned"),
        ("two_barriers", "but thread 64 in a barrier (wrong_kernels.cpp:"),
        ("unaligned", "no multiple of 16"),
        ("shared_too_large", "80000 bytes of shared memory, of 65536"),
    ])
    func faultsAreTold(kernel: String, told: String) throws {
        let message = try #require(run(kernel).message)
        #expect(message.hasPrefix("block (0, 0, 0): thread ") || message.hasPrefix("block (0, 0, 0): "))
        #expect(message.contains(told), "\(message)")
        // The next launch is not harmed.
        #expect(run("right").message == nil)
    }

    @Test func aRaceShowsPoison() {
        let (message, out) = run("race")
        #expect(message == nil)
        #expect(out[0] == -1, "read before it was written")
    }

    @Test(arguments: [0, 32, 100, 1088] as [UInt32])
    func otherBlocksAreRefused(threads: UInt32) {
        #expect(run("right", threads: threads).message == "a block must have 64, 128, ... 1024 threads")
    }
}
