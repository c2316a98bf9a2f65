import Glibc
import Numerics

/// Normally distributed numbers, mean 0 and variance 1, of which each follows from a seed and its position.
struct NormalNumbers {
    let seed: UInt64

    /// Numbers first ..< first + count, where `first` is even.
    func fill(_ floats: UnsafeMutableBufferPointer<Float>, first: Int) {
        for pair in 0..<(floats.count + 1) / 2 {
            let position = UInt64(truncatingIfNeeded: first / 2 + pair)
            let (a, b) = (Self.mix(seed ^ Self.mix(2 * position)), Self.mix(seed ^ Self.mix(2 * position + 1)))
            // Box and Muller: 24 random bits each, the first never 0.
            let u = (Float(a >> 40) + 1) * 0x1p-24
            let angle = 2 * Float.pi * Float(b >> 40) * 0x1p-24
            let radius = (-2 * logf(u)).squareRoot()
            floats[2 * pair] = radius * cosf(angle)
            if 2 * pair + 1 < floats.count { floats[2 * pair + 1] = radius * sinf(angle) }
        }
    }

    /// Random bits that follow from the seed and a position.
    func bits(_ position: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: Self.mix(seed ^ Self.mix(UInt64(truncatingIfNeeded: position))))
    }

    /// Some of the numbers, one by one.
    func values(_ first: Int, _ count: Int) -> [Float] {
        let aligned = first & ~1
        var floats = [Float](repeating: 0, count: count + first - aligned)
        floats.withUnsafeMutableBufferPointer { fill($0, first: aligned) }
        return Array(floats.dropFirst(first - aligned))
    }

    /// SplitMix64's finaliser.
    private static func mix(_ word: UInt64) -> UInt64 {
        var z = word &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// A matrix of normal numbers in a device's memory, rounded to a type.
final class RandomMatrix {
    let rows: Int
    let columns: Int
    let type: ElementType
    let data: UnsafeMutableRawPointer
    /// Of MXFP4 a code for each block of 32, of FP8 one float32 that is 1; nil for others.
    let scales: UnsafeMutableRawPointer?
    private let numbers: NormalNumbers
    private let group: DeviceGroup

    /// Elements made at a time: pieces of this many, several at once.
    private static let piece = 1 << 16

    init(_ group: DeviceGroup, rows: Int, columns: Int, type: ElementType, hasScales: Bool, seed: UInt64) throws {
        self.group = group
        (self.rows, self.columns, self.type) = (rows, columns, type)
        numbers = NormalNumbers(seed: seed)
        let device = group.devices[0]
        let count = rows * columns
        guard let size = type.byteCount(shape: [rows, columns]) else {
            throw ConfigError("a matrix of \(rows) x \(columns) \(type) fills no whole bytes")
        }
        let purpose = "a matrix of \(rows) x \(columns) \(type)"
        data = try group.backend.allocate(device: device, size: UInt64(size), purpose: purpose)
        let scaleBytes = !hasScales ? 0 : type == .f4e2m1 ? count / 32 : 4
        do {
            scales =
                scaleBytes == 0
                ? nil
                : try group.backend.allocate(
                    device: device,
                    size: UInt64(scaleBytes),
                    purpose: "the scales of \(purpose)"
                )
        } catch {
            try? group.backend.deallocate(device: device, data)
            throw error
        }
        let stream = try group.backend.makeStream(device: device)
        let slab = Self.piece * max(4 * group.pool.threadCount, 1)
        let codes = UnsafeMutableRawPointer.allocate(byteCount: slab * 4, alignment: 64)
        let blocks = UnsafeMutableRawPointer.allocate(byteCount: slab / 32, alignment: 64)
        defer {
            codes.deallocate()
            blocks.deallocate()
        }
        if let scales, type != .f4e2m1 {
            try stream.place(withUnsafeBytes(of: Float(1)) { Array($0) }, at: scales)
        }
        for first in stride(from: 0, to: count, by: slab) {
            let length = min(slab, count - first)
            let (type, numbers) = (type, numbers)
            group.pool.forEach((length + Self.piece - 1) / Self.piece) { index in
                let start = index * Self.piece
                Self.encode(numbers, first + start, min(Self.piece, length - start), type, codes, blocks, at: start)
            }
            let bits = type.bitWidth
            try stream.copy(to: data + first * bits / 8, from: codes, size: UInt64((length * bits + 7) / 8))
            if let scales, type == .f4e2m1 {
                try stream.copy(to: scales + first / 32, from: blocks, size: UInt64(length / 32))
            }
            try stream.synchronize()
        }
    }

    deinit {
        try? group.backend.deallocate(device: group.devices[0], data)
        if let scales { try? group.backend.deallocate(device: group.devices[0], scales) }
    }

    private static func encode(
        _ numbers: NormalNumbers,
        _ first: Int,
        _ count: Int,
        _ type: ElementType,
        _ codes: UnsafeMutableRawPointer,
        _ blocks: UnsafeMutableRawPointer,
        at start: Int
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { floats in
            numbers.fill(floats, first: first)
            let size = (count * type.bitWidth + 7) / 8
            let room = UnsafeMutableRawBufferPointer(start: codes + start * type.bitWidth / 8, count: size)
            if type == .f4e2m1 {
                let scales = UnsafeMutableRawBufferPointer(start: blocks + start / 32, count: count / 32)
                MXFP4.encode(UnsafeBufferPointer(floats), packed: room, scales: scales)
            } else {
                type.encode(UnsafeBufferPointer(floats), into: room, overflow: .saturates)
            }
        }
    }

    /// A row as the device has it, decoded.
    func row(_ index: Int) -> [Float] {
        let wanted = numbers.values(index * columns, columns)
        guard type == .f4e2m1 else {
            return type.encode(wanted, overflow: .saturates).withUnsafeBytes { type.decode($0, count: columns) }
        }
        var packed = [UInt8](repeating: 0, count: columns / 2)
        var scales = [UInt8](repeating: 0, count: columns / 32)
        var values = [Float](repeating: 0, count: columns)
        wanted.withUnsafeBufferPointer { wanted in
            packed.withUnsafeMutableBytes { packed in
                scales.withUnsafeMutableBytes { MXFP4.encode(wanted, packed: packed, scales: $0) }
            }
        }
        packed.withUnsafeBytes { packed in
            scales.withUnsafeBytes { scales in
                values.withUnsafeMutableBufferPointer { MXFP4.decode(packed: packed, scales: scales, into: $0) }
            }
        }
        return values
    }
}
