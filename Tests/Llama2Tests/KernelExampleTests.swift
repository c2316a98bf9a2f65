import CPluginAPI
import Kernels
import Numerics
import PluginAPI
import Testing
import TextGeneration

/// The worked examples against the twins; the host's rules MLP-N02 to MLP-N04 do the same through the boundary.
@Suite struct KernelExampleTests {
    private static let kernels: [(kernel: podium_kernel, name: String, signature: [UInt8])] = {
        var count: UInt32 = 0
        guard let table = podium_kernels(&count) else { return [] }
        return (0..<Int(count)).map { index in
            (
                podium_kernel(rawValue: UInt32(index)), String(cString: table[index].name),
                Array(String(cString: table[index].signature).utf8)
            )
        }
    }()

    /// Calls the body with every example of a kernel; gives their number.
    @discardableResult
    private func examples(of kernel: podium_kernel, _ body: (Int, KernelExample) throws -> Void) throws -> Int {
        let examples = KernelExamples()
        for number in 0... {
            guard
                let example = try examples.example(
                    kernel: kernel.rawValue,
                    number: UInt32(number),
                    target: .cpu
                )
            else { return number }
            try body(number, example)
        }
        return 0
    }

    /// Launches the twin on copies of the buffers, one argument changed, and gives the first difference.
    private func difference(
        _ kernel: podium_kernel,
        _ example: KernelExample,
        changing changed: Int? = nil,
        to bytes: [UInt8]? = nil
    ) -> String? {
        let signature = Self.kernels[Int(kernel.rawValue)].signature
        var buffers: [UnsafeMutableRawBufferPointer] = []
        defer { for buffer in buffers { buffer.deallocate() } }
        var words: [UInt64] = []
        for (index, argument) in example.arguments.enumerated() {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(argument.size), alignment: 64)
            buffers.append(buffer)
            buffer.copyMemory(from: UnsafeRawBufferPointer(start: argument.data, count: Int(argument.size)))
            if index == changed, let bytes { buffer.copyBytes(from: bytes) }
            if signature[index] == UInt8(ascii: "p") {
                words.append(argument.data == nil ? 0 : UInt64(UInt(bitPattern: buffer.baseAddress)))
            } else {
                words.append(UInt64(buffer.loadUnaligned(as: UInt32.self)))
            }
        }
        let blocks = example.grid.blocks
        words.withUnsafeBufferPointer { words in
            guard let base = words.baseAddress else { return }
            LaunchArguments(words: base)
                .run(kernel, example.grid, 0, UInt64(blocks.0) * UInt64(blocks.1) * UInt64(blocks.2))
        }
        for (index, argument) in example.arguments.enumerated() {
            guard let expected = argument.expected else { continue }
            let bytes = UnsafeRawBufferPointer(buffers[index])
            let values: [Double]
            switch Int(argument.dtype) {
            case Int(MLP_I32): values = bytes.bindMemory(to: Int32.self).map { Double($0) }
            case Int(MLP_BF16): values = ElementType.bf16.decode(bytes, count: bytes.count / 2).map { Double($0) }
            case Int(MLP_F8E4M3): values = ElementType.f8e4m3.decode(bytes, count: bytes.count).map { Double($0) }
            case Int(MLP_I8): values = bytes.bindMemory(to: Int8.self).map { Double($0) }
            default: values = bytes.bindMemory(to: Float.self).map { Double($0) }
            }
            for (position, value) in values.enumerated() {
                let wanted = expected[position]
                let room = argument.absolute_tolerance + argument.relative_tolerance * abs(wanted)
                if !(abs(value - wanted) <= room) {
                    return "argument \(index)[\(position)] is \(value); expected \(wanted) within \(room)"
                }
            }
        }
        return nil
    }

    @Test func everyKernelHasExamples() throws {
        #expect(Self.kernels.count == Int(PODIUM_KERNEL_COUNT.rawValue))
        for (kernel, name, signature) in Self.kernels {
            let count = try examples(of: kernel) { number, example in
                #expect(example.arguments.count == signature.count, "\(name), example \(number)")
                let outputs = example.arguments.filter { $0.flags & UInt32(MLP_ARG_OUTPUT) != 0 }
                #expect(!outputs.isEmpty && outputs.allSatisfy { $0.expected != nil }, "\(name), example \(number)")
            }
            #expect(count >= 3, "\(name) has \(count) examples")
        }
    }

    @Test func examplesAreTheSameEveryTime() throws {
        for (kernel, name, _) in Self.kernels {
            var bytes: [[[UInt8]]] = [[], []]
            for time in 0..<2 {
                try examples(of: kernel) { _, example in
                    for argument in example.arguments {
                        bytes[time].append(
                            [UInt8](UnsafeRawBufferPointer(start: argument.data, count: Int(argument.size)))
                        )
                    }
                }
            }
            let same = bytes[0] == bytes[1]
            #expect(same, "\(name)")
        }
    }

    @Test func twinsComeOutAsTheExamplesSay() throws {
        for (kernel, name, _) in Self.kernels {
            try examples(of: kernel) { number, example in
                let difference = difference(kernel, example)
                #expect(difference == nil, "\(name), example \(number): \(difference ?? "")")
            }
        }
    }

    /// Tolerances are close enough that a relative error of 2^-9, that of an activation rounded to bfloat16, shows.
    @Test func oneWrongNumberIsNoticed() throws {
        for (kernel, name, _) in Self.kernels {
            try examples(of: kernel) { number, example in
                for (index, argument) in example.arguments.enumerated() {
                    guard let expected = argument.expected else { continue }
                    let count = Int(argument.size) / Self.elementSize(argument)
                    let largest = (0..<count).max { abs(expected[$0]) < abs(expected[$1]) } ?? 0
                    let wrong = UnsafeMutablePointer<Double>.allocate(capacity: count)
                    defer { wrong.deallocate() }
                    wrong.update(from: expected, count: count)
                    wrong[largest] = wrong[largest] == 0 ? 0x1p-9 : wrong[largest] * (1 + 0x1p-9)
                    let arguments = UnsafeMutableBufferPointer<mlp_kernel_arg>
                        .allocate(capacity: example.arguments.count)
                    defer { arguments.deallocate() }
                    _ = arguments.initialize(from: example.arguments)
                    arguments[index].expected = UnsafePointer(wrong)
                    let altered = KernelExample(grid: example.grid, arguments: UnsafeBufferPointer(arguments))
                    #expect(
                        difference(kernel, altered) != nil,
                        "\(name), example \(number): nobody notices a wrong value in argument \(index)"
                    )
                }
            }
        }
    }

    /// For every input of every kernel there is an example that comes out differently when that input is changed:
    /// the elements of a buffer reversed (of a set, each one more), a live count one less, a factor one percent larger, a
    /// flag inverted.
    @Test func everyInputCounts() throws {
        for (kernel, name, signature) in Self.kernels {
            var noticed: Set<Int> = []
            var changed: Set<Int> = []
            try examples(of: kernel) { _, example in
                for (index, argument) in example.arguments.enumerated() {
                    guard let bytes = changedBytes(kernel, signature[index], index, argument) else { continue }
                    changed.insert(index)
                    if difference(kernel, example, changing: index, to: bytes) != nil { noticed.insert(index) }
                }
            }
            #expect(!changed.isEmpty)
            let unseen = changed.subtracting(noticed).sorted()
            #expect(unseen.isEmpty, "\(name): nobody notices a change of the arguments \(unseen)")
        }
    }

    private func changedBytes(
        _ kernel: podium_kernel,
        _ letter: UInt8,
        _ index: Int,
        _ argument: mlp_kernel_arg
    ) -> [UInt8]? {
        guard let data = argument.data else { return nil }
        let bytes = [UInt8](UnsafeRawBufferPointer(start: data, count: Int(argument.size)))
        switch letter {
        case UInt8(ascii: "f"):
            return withUnsafeBytes(of: data.loadUnaligned(as: Float.self) * 1.01) { [UInt8]($0) }
        case UInt8(ascii: "p") where bytes.count == 4 && argument.dtype == Int32(MLP_I32):
            let less = data.loadUnaligned(as: Int32.self) - 1
            return less < 0 ? nil : withUnsafeBytes(of: less) { [UInt8]($0) }
        case UInt8(ascii: "p") where kernel == PODIUM_ARGMAX && index == 6:
            let more = (0..<bytes.count / 4).map { data.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) + 1 }
            return more.withUnsafeBytes { [UInt8]($0) }
        case UInt8(ascii: "p"):
            let width = Self.elementSize(argument)
            return stride(from: bytes.count - width, through: 0, by: -width).flatMap { bytes[$0..<$0 + width] }
        // A size that is changed would read or write beyond a buffer; the flag is safe.
        default:
            let isFlag =
                ([PODIUM_GEMM, PODIUM_GEMM_FP8].contains(kernel) && index == 11)
                || (kernel == PODIUM_GEMM_MXFP4 && index == 10)
                || ((kernel == PODIUM_QUANTIZE_ROWS || kernel == PODIUM_RMS_NORM_QUANTIZE) && index == 0)
            guard isFlag else { return nil }
            return withUnsafeBytes(of: 1 - data.loadUnaligned(as: Int32.self)) { [UInt8]($0) }
        }
    }

    private static func elementSize(_ argument: mlp_kernel_arg) -> Int {
        switch Int(argument.dtype) {
        case Int(MLP_F8E4M3), Int(MLP_I8), Int(MLP_U8): 1
        case Int(MLP_BF16), Int(MLP_F16): 2
        default: 4
        }
    }

    @Test func otherDevicesAreRefused() {
        #expect(throws: PluginError.self) {
            try KernelExamples().example(kernel: 0, number: 0, target: DeviceTarget(kind: 3, architecture: ""))
        }
    }
}
