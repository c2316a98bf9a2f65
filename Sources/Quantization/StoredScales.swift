public import Numerics

/// The scales of one tensor as a checkpoint stores them, checked where they are read.
public struct StoredScales: Sendable {
    /// The type of the elements; U8 stands for E8M0 beside E2M1.
    public let type: ElementType
    /// The tensor, for errors.
    public let tensor: String
    /// The file, for errors.
    public let file: String

    /// What is known of scales before they are read.
    ///
    /// - Parameters:
    ///   - type: F32, BF16, F16 or E8M0; U8 for E8M0.
    ///   - tensor: The tensor, for errors.
    ///   - file: The file, for errors.
    public init(type: ElementType, tensor: String, file: String) {
        self.type = type
        self.tensor = tensor
        self.file = file
    }

    /// Checks that each scale is a positive finite number.
    ///
    /// - Parameter bytes: The scales.
    /// - Throws: `QuantizationError` about the first that is not.
    public func check(_ bytes: UnsafeRawBufferPointer) throws(QuantizationError) {
        if type == .e8m0 || type == .u8 {
            if let index = bytes.firstIndex(of: 0xFF) { throw fault("scale \(index) is NaN") }
            return
        }
        _ = try values(bytes)
    }

    /// The scales as float32.
    ///
    /// - Parameter bytes: The scales.
    /// - Returns: One value for each.
    /// - Throws: `QuantizationError` about the first that is not a positive finite number.
    public func values(_ bytes: UnsafeRawBufferPointer) throws(QuantizationError) -> [Float] {
        let stored = type == .u8 ? .e8m0 : type
        let values = stored.decode(bytes, count: bytes.count * 8 / stored.bitWidth)
        if let index = values.firstIndex(where: { !($0 > 0 && $0.isFinite) }) {
            throw fault("scale \(index) is \(values[index]), but a scale is a positive finite number")
        }
        return values
    }

    private func fault(_ reason: String) -> QuantizationError {
        QuantizationError(file: file, tensor: tensor, reason: reason)
    }
}

extension TensorView {
    /// What is known of the scales in this tensor.
    public var storedScales: StoredScales { StoredScales(type: type, tensor: name, file: path) }

    /// Checks that the tensor has a type that scales are stored in; those of MXFP4 are exponents.
    func checkScaleType(areExponents: Bool) throws(QuantizationError) {
        let types: [ElementType] = areExponents ? [.u8, .e8m0] : [.f32, .bf16, .f16, .e8m0]
        guard types.contains(type) else {
            throw fault(
                "is \(type), but scales are \(areExponents ? "U8 or F8_E8M0" : "F32, BF16, F16 or F8_E8M0") here"
            )
        }
    }

    /// Checks type and values.
    func checkScales(areExponents: Bool) throws(QuantizationError) {
        try checkScaleType(areExponents: areExponents)
        try withBytes { bytes throws(QuantizationError) in try storedScales.check(bytes) }
    }

    /// Checks that the tensor is one scale, of shape [] or [1].
    func checkScaleStandsAlone() throws(QuantizationError) {
        guard count == 1, shape.count <= 1 else { throw fault("has shape \(shape), one scale is needed") }
        try checkScaleType(areExponents: false)
    }

    /// A scale that stands alone, positive and finite.
    func scale() throws(QuantizationError) -> Float {
        try checkScaleStandsAlone()
        return try withBytes { bytes throws(QuantizationError) in try storedScales.values(bytes)[0] }
    }

    private func fault(_ reason: String) -> QuantizationError {
        QuantizationError(file: path, tensor: name, reason: reason)
    }
}
