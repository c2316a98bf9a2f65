import FoundationEssentials

/// A folder with a checkpoint that a test wrote by hand.
final class ModelFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "podium-weights-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a safetensors file whose tensors lie one after another; `padding` shifts all of them.
    func write(_ name: String, _ tensors: [(String, String, [Int], [UInt8])], padding: Int = 0) throws {
        var offset = 0
        var fields: [String] = []
        for (tensor, type, shape, data) in tensors {
            fields.append(
                "\"\(tensor)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(offset + data.count)]}"
            )
            offset += data.count
        }
        var header = "{" + fields.joined(separator: ",") + "}"
        while (header.utf8.count + 8) % 64 != padding { header += " " }
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        let url = URL(filePath: path + "/" + name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(length + Array(header.utf8) + tensors.flatMap(\.3)).write(to: url)
    }
}

/// Bytes that differ from place to place.
func pattern(_ count: Int, _ seed: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 8 &+ seed) }
}
