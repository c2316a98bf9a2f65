import CPluginAPI
import RunRecords

/// The calibration data: the first samples of a data set, read by an instance of the plugin in the role of a head.
final class CalibrationSamples {
    /// The payload of each sample; they live as long as this object.
    let payloads: [mlp_bytes]
    /// SHA-256 of all payloads with their sizes.
    let digest: String

    private let head: LoadedInstance
    private let indices: [UInt64]

    /// Loads samples.
    ///
    /// - Parameters:
    ///   - head: An instance in state created.
    ///   - count: How many, from the first; nil: 128, or all if there are fewer.
    /// - Throws: `PluginFault` of a data set that the plugin refuses, `QuantizeError` for too many samples.
    init(_ head: LoadedInstance, count: Int?) throws {
        self.head = head
        try head.prepare()
        let size = try head.datasetSize()
        let wanted = UInt64(clamping: count ?? Int(min(128, size.performance)))
        guard wanted > 0, wanted <= size.performance else {
            throw QuantizeError(
                "--samples \(wanted): the calibration data has \(size.total) samples, of which \(size.performance) "
                    + "fit in memory"
            )
        }
        let indices = Array(0..<wanted)
        self.indices = indices
        try head.load(indices)
        var hash = SHA256()
        payloads = try indices.map { index in
            guard let payload = head.payload(index)?.payload else {
                throw QuantizeError("calibration sample \(index) was not loaded", status: .pluginFault)
            }
            withUnsafeBytes(of: payload.size.littleEndian) { hash.update($0) }
            hash.update(UnsafeRawBufferPointer(start: payload.data, count: Int(payload.size)))
            return payload
        }
        digest = hash.hexadecimal()
    }

    /// Gives the samples back and ends the instance.
    func close() throws {
        try head.unload(indices)
        try head.destroy()
    }
}
