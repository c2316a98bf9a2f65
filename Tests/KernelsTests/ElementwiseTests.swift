import CPluginAPI
import Kernels
import Testing

extension KernelTests {
    @Suite struct Elementwise {
        @Test(arguments: [1, 15, 16, 33, 1000])
        func addIsOneRounding(width: Int) {
            var random = SeededGenerator(seed: UInt64(width))
            let before = random.floats(3 * width)
            let x = GuardedMemory(random.floats(3 * width, in: -0.01...0.01))
            let live = GuardedMemory([Int32(2)])
            let y = GuardedMemory(before)
            for isa in [PODIUM_ISA_PLAIN, PODIUM_ISA_AVX2, PODIUM_ISA_AVX512] where podium_has_isa(isa) {
                let active = podium_active_isa()
                defer { podium_select_isa(active) }
                podium_select_isa(isa)
                for (index, value) in before.enumerated() { y.floats[index] = value }
                var grid = podium_grid_elementwise(PODIUM_BACKEND_CPU, 3)
                podium_add(&grid, 0, 3, y.floats, x.floats, live.ints, 3, Int32(width))
                let wanted = before.indices.map { $0 < 2 * width ? before[$0] + x.floatArray[$0] : before[$0] }
                #expect(y.floatArray == wanted)
            }
        }

        /// The same operations as the gated product's, so within their bound of the double reference.
        @Test(arguments: [1, 16, 33, 1000])
        func siluGate(width: Int) {
            var random = SeededGenerator(seed: UInt64(width))
            var gates = random.floats(3 * width, in: -20...20)
            gates[0] = -200
            let gate = GuardedMemory(gates)
            let up = GuardedMemory(random.floats(3 * width))
            let live = GuardedMemory([Int32(3)])
            let out = GuardedMemory(byteCount: 3 * width * 4)
            let got = runEverywhere(podium_grid_elementwise(PODIUM_BACKEND_CPU, 3), output: out, "silu_gate") {
                podium_silu_gate($0, $1, $2, out.floats, gate.floats, up.floats, live.ints, 3, Int32(width))
            }
            let wanted = gates.indices.map { index in
                let g = Double(gates[index])
                return g / (1 + exponential(-g)) * Double(up.floatArray[index])
            }
            let error = worst(got, wanted) { 9 * 0x1p-24 * abs(wanted[$0]) + 0x1p-126 }
            #expect(error <= 1, "worst error is \(error) of the bound")
        }

        @Test func nanShows() {
            let gate = GuardedMemory([Float.nan, 1, 1])
            let up = GuardedMemory([Float(1), .nan, .infinity])
            let live = GuardedMemory([Int32(1)])
            let out = GuardedMemory(byteCount: 12)
            let got = runEverywhere(podium_grid_elementwise(PODIUM_BACKEND_CPU, 1), output: out, "silu_gate") {
                podium_silu_gate($0, $1, $2, out.floats, gate.floats, up.floats, live.ints, 1, 3)
            }
            #expect(got[0].isNaN && got[1].isNaN && got[2] == .infinity)
        }
    }
}
