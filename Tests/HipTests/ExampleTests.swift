import CPluginAPI
import HipShim
import Kernels
import PluginAPI
import Testing
import TextGeneration

/// Every worked example of every kernel with a HIP form, on every device of the shim.
///
/// Each is held to the reference in double that the example carries, within the tolerance that holds for any order of
/// summation, and its CPU twin likewise.
@Suite struct ExampleTests {
    /// Kernels that have no HIP form yet: to shrink to nothing.
    static let withoutHip: Set<String> = []

    static let kernels: [(index: UInt32, name: String, signature: [UInt8])] = {
        var count: UInt32 = 0
        guard let table = podium_kernels(&count) else { return [] }
        return (0..<count).map {
            ($0, String(cString: table[Int($0)].name), Array(String(cString: table[Int($0)].signature).utf8))
        }
    }()

    @Test func everyKernelHasAHipFormOrIsOnTheList() {
        let missing = Set(Self.kernels.map(\.name).filter { !shim_has_kernel($0) })
        #expect(missing == Self.withoutHip)
    }

    @Test(arguments: kernels.filter { !withoutHip.contains($0.name) }.map(\.name))
    func examplesHoldOnEveryDevice(kernel name: String) throws {
        let kernel = try #require(Self.kernels.first { $0.name == name })
        let examples = KernelExamples()
        for device in devices.map(Optional.some) + [nil] {
            var number: UInt32 = 0
            let target = device.map(target(of:)) ?? .cpu
            while let example = try examples.example(kernel: kernel.index, number: number, target: target) {
                if let device {
                    for unaligned in [false, true] {
                        let (arguments, outputs) = Self.lay(example, kernel.signature, unaligned: unaligned)
                        let message = launch(name, on: device, example.grid, arguments)
                        #expect(message == nil, "\(name) \(number) on \(target.architecture)")
                        Self.check(example, outputs, "\(name) \(number) on \(target.architecture), \(unaligned)")
                    }
                } else {
                    let (arguments, outputs) = Self.lay(example, kernel.signature, unaligned: false)
                    launchTwin(name, example.grid, arguments)
                    Self.check(example, outputs, "\(name) \(number) of the twin")
                }
                number += 1
            }
            #expect(number > 0, "\(name) has no examples for \(target)")
        }
    }

    /// Copies of the buffers of an example, by the letters of the signature; and the outputs among them.
    private static func lay(
        _ example: KernelExample,
        _ signature: [UInt8],
        unaligned: Bool
    ) -> ([Argument], [(Int, DeviceBuffer)]) {
        var outputs: [(Int, DeviceBuffer)] = []
        let arguments = example.arguments.enumerated().map { index, argument -> Argument in
            switch signature[index] {
            case UInt8(ascii: "i"): return .int(Int(argument.data.loadUnaligned(as: Int32.self)))
            case UInt8(ascii: "f"): return .float(argument.data.loadUnaligned(as: Float.self))
            default:
                if argument.data == nil { return .null }
                let shift = unaligned ? elementSize(argument) : 0
                let buffer = DeviceBuffer(byteCount: Int(argument.size), shift: shift)
                buffer.base.copyMemory(from: argument.data, byteCount: Int(argument.size))
                if argument.flags & UInt32(MLP_ARG_OUTPUT) != 0 { outputs.append((index, buffer)) }
                return .buffer(buffer)
            }
        }
        return (arguments, outputs)
    }

    private static func elementSize(_ argument: mlp_kernel_arg) -> Int {
        switch Int(argument.dtype) {
        case MLP_F8E4M3, MLP_F8E5M2, MLP_I8, MLP_U8, MLP_E8M0, MLP_F4E2M1: 1
        case MLP_BF16, MLP_F16: 2
        default: 4
        }
    }

    /// The elements of an output as numbers.
    private static func values(_ buffer: DeviceBuffer, _ dtype: Int32) -> [Double] {
        switch Int(dtype) {
        case MLP_F32: buffer.array(Float.self).map { Double($0) }
        case MLP_I32: buffer.array(Int32.self).map { Double($0) }
        case MLP_I8: buffer.array(Int8.self).map { Double($0) }
        case MLP_BF16: buffer.array(UInt16.self).map { Double(shim_decode("bf16", UInt32($0))) }
        case MLP_F8E4M3: buffer.array(UInt8.self).map { Double(shim_decode("e4m3", UInt32($0))) }
        default: []
        }
    }

    private static func check(_ example: KernelExample, _ outputs: [(Int, DeviceBuffer)], _ place: String) {
        for (index, buffer) in outputs {
            let argument = example.arguments[index]
            let got = values(buffer, argument.dtype)
            guard let expected = argument.expected, !got.isEmpty else {
                Issue.record("\(place): output \(index) has no expected values, or a type that this test does not read")
                continue
            }
            let wrong = got.indices.filter { i in
                let (value, wanted) = (got[i], expected[i])
                if value == wanted || (value.isNaN && wanted.isNaN) { return false }
                let allowed = argument.absolute_tolerance + argument.relative_tolerance * abs(wanted)
                return !(abs(value - wanted) <= allowed)
            }
            #expect(
                wrong.isEmpty,
                "\(place): output \(index), \(wrong.count) of \(got.count): \(wrong.prefix(3).map { ($0, got[$0], expected[$0]) })"
            )
        }
    }
}
