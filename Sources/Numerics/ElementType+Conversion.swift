extension ElementType {
    /// Whether `decode` reads this type: the floats, but not the packed 6-bit ones.
    public var isDecodable: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f4e2m1, .e8m0: true
        default: false
        }
    }

    /// Whether `encode` writes this type.
    public var isEncodable: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16: true
        default: false
        }
    }

    /// Converts elements to `Float`: exactly, except that an F64 is rounded to nearest, ties to even.
    ///
    /// - Parameters:
    ///   - bytes: The elements, at any alignment, little-endian.
    ///   - floats: As many values as there are elements.
    /// - Precondition: `isDecodable`, and the counts agree.
    public func decode(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>) {
        precondition(
            byteCount(shape: [floats.count]) == bytes.count,
            "\(floats.count) elements of \(self) take other space"
        )
        switch self {
        case .f32:
            UnsafeMutableRawBufferPointer(floats).copyMemory(from: bytes)
        case .f64:
            for index in floats.indices {
                floats[index] = Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
            }
        case .f16:
            for index in floats.indices {
                floats[index] = HalfPrecision.float(bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
            }
        case .bf16:
            for index in floats.indices {
                let bits = bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                floats[index] = Float(BFloat16(bitPattern: bits))
            }
        case .f8e4m3: Self.look(up: bytes, in: SmallFloat.e4m3Table, into: floats)
        case .f8e4m3fnuz: Self.look(up: bytes, in: SmallFloat.e4m3fnuzTable, into: floats)
        case .f8e5m2: Self.look(up: bytes, in: SmallFloat.e5m2Table, into: floats)
        case .f8e5m2fnuz: Self.look(up: bytes, in: SmallFloat.e5m2fnuzTable, into: floats)
        case .e8m0: Self.look(up: bytes, in: SmallFloat.e8m0Table, into: floats)
        case .f4e2m1:
            let table = SmallFloat.e2m1Table
            for index in floats.indices { floats[index] = table[Int(bytes[index / 2] >> (index % 2 * 4) & 0xF)] }
        default:
            preconditionFailure("\(self) cannot be decoded to Float")
        }
    }

    /// Converts elements to `Float`; see `decode(_:into:)`.
    ///
    /// - Parameters:
    ///   - bytes: The elements, at any alignment, little-endian.
    ///   - count: How many there are.
    /// - Returns: The values.
    /// - Precondition: `isDecodable`, and the counts agree.
    public func decode(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            decode(bytes, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// Converts `Float` to elements, rounding to nearest, ties to even; what is too large becomes infinite.
    ///
    /// - Parameters:
    ///   - floats: The values.
    ///   - bytes: Room for as many elements, at any alignment.
    /// - Precondition: `isEncodable`, and the counts agree.
    public func encode(_ floats: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(
            byteCount(shape: [floats.count]) == bytes.count,
            "\(floats.count) elements of \(self) take other space"
        )
        switch self {
        case .f32:
            bytes.copyMemory(from: UnsafeRawBufferPointer(floats))
        case .f64:
            for index in floats.indices {
                bytes.storeBytes(of: Double(floats[index]), toByteOffset: index * 8, as: Double.self)
            }
        case .f16:
            for index in floats.indices {
                bytes.storeBytes(
                    of: HalfPrecision.bits(rounding: floats[index]),
                    toByteOffset: index * 2,
                    as: UInt16.self
                )
            }
        case .bf16:
            for index in floats.indices {
                bytes.storeBytes(of: BFloat16(floats[index]).bitPattern, toByteOffset: index * 2, as: UInt16.self)
            }
        default:
            preconditionFailure("\(self) cannot be encoded from Float")
        }
    }

    /// Converts `Float` to elements; see `encode(_:into:)`.
    ///
    /// - Parameter floats: The values.
    /// - Returns: The elements, packed.
    /// - Precondition: `isEncodable`.
    public func encode(_ floats: [Float]) -> [UInt8] {
        let size = floats.count * bitWidth / 8
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            floats.withUnsafeBufferPointer { values in
                encode(
                    values,
                    into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<size]))
                )
            }
            initialized = size
        }
    }

    private static func look(
        up codes: UnsafeRawBufferPointer,
        in table: [Float],
        into floats: UnsafeMutableBufferPointer<Float>
    ) {
        table.withUnsafeBufferPointer { table in
            for index in floats.indices { floats[index] = table[Int(codes[index])] }
        }
    }
}
