@testable import Core

/// Makes ELF files of the form that compilers for GPUs give: symbols, and for AMD a note that names the target.
struct CodeObjectFile {
    var kind = DeviceKind.hip
    var target = "gfx000"
    var kernels = ["fake_saxpy", "fake_iota"]

    private struct Writer {
        var bytes: [UInt8] = []

        mutating func put(_ value: UInt16) { withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) } }
        mutating func put(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) } }
        mutating func put(_ value: Int) { withUnsafeBytes(of: UInt64(value).littleEndian) { bytes += Array($0) } }
        mutating func put(_ text: String) { bytes += Array(text.utf8) }
        mutating func skip(_ count: Int) { bytes += [UInt8](repeating: 0, count: count) }
    }

    /// The file: header, strings, symbols, note, section headers.
    var bytes: [UInt8] {
        let isAMD = kind == .hip
        var strings = Writer(bytes: [0])
        var symbols = Writer()
        symbols.skip(24)
        for kernel in kernels {
            symbols.put(UInt32(strings.bytes.count))
            // A global object, protected, in section 1.
            symbols.bytes += [0x11, 3, 1, 0]
            symbols.skip(16)
            strings.put(kernel + (isAMD ? ".kd\0" : "\0"))
        }
        var note = Writer()
        let triple = "amdgcn-amd-amdhsa--\(target):sramecc+"
        if isAMD {
            note.put("amdhsa.target")
            note.bytes += [0xD9, UInt8(triple.utf8.count)]
            note.put(triple)
        }
        let parts = [strings.bytes, symbols.bytes, note.bytes]
        let number = UInt32(target.drop { !$0.isNumber }) ?? 0

        var file = Writer(bytes: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, isAMD ? 64 : 65, isAMD ? 3 : 8])
        file.skip(7)
        file.put(UInt16(3))
        file.put(UInt16(isAMD ? 224 : 190))
        file.put(UInt32(1))
        file.skip(16)
        file.put(64 + parts.reduce(0) { $0 + $1.count })
        file.put(isAMD ? UInt32(0x54C) : number << 8 | 4)
        for half in [64, 0, 0, 64, 4, 0] { file.put(UInt16(half)) }
        var headers = Writer()
        headers.skip(64)
        var offset = file.bytes.count
        for (index, part) in parts.enumerated() {
            let kinds: [UInt32] = [3, isAMD ? 11 : 2, 7]
            headers.put(UInt32(0))
            headers.put(kinds[index])
            headers.skip(16)
            headers.put(offset)
            headers.put(part.count)
            headers.put(UInt32(index == 1 ? 1 : 0))
            headers.skip(20)
            offset += part.count
        }
        return file.bytes + parts[0] + parts[1] + parts[2] + headers.bytes
    }
}
