import JSON
import Numerics
import Testing

/// A copy of a golden quantised checkpoint whose tensors can be changed.
struct QuantizedScratch {
    typealias Tensor = (name: String, type: ElementType, shape: [Int], bytes: [UInt8])

    let copy: ScratchCheckpoint
    private(set) var tensors: [Tensor]

    var folder: String { copy.folder }

    init(_ name: String) throws {
        let original = "\(GoldenCheckpoint.ownRoot)/golden/quant/\(name)"
        copy = try ScratchCheckpoint(of: original)
        tensors = try SafetensorsFile(path: original + "/model.safetensors").tensors
            .map { ($0.name, $0.type, $0.shape, Array($0.bytes)) }
    }

    /// Changes or, with nil, removes every tensor whose name ends so, and writes the file.
    mutating func change(_ suffix: String, _ change: ((inout Tensor) -> Void)?) throws {
        let before = tensors.count
        var changed = 0
        tensors = tensors.compactMap { tensor in
            var tensor = tensor
            guard tensor.name.hasSuffix(suffix) else { return tensor }
            changed += 1
            guard let change else { return nil }
            change(&tensor)
            return tensor
        }
        try #require(changed > 0, "none of \(before) tensors ends in \(suffix)")
        try write()
    }

    mutating func add(_ tensor: Tensor) throws {
        tensors.append(tensor)
        try write()
    }

    func bytes(_ name: String) throws -> [UInt8] { try #require(tensors.first { $0.name == name }).bytes }

    private func write() throws { try copy.write("model.safetensors", safetensors(tensors)) }

    /// The logits after each prefix of the golden prompt.
    func logits(_ options: [(String, JSON)]) throws -> [Float] {
        try QuantizedGoldenTests.logits(QuantizedGoldenTests.prompt(folder), folder, options)
    }

    /// What Quark's weights alone give.
    func weightsOnly() throws -> [Float] {
        try SafetensorsFile(path: folder + "/expected.safetensors").tensor(named: "logits_weights_only").floats()
    }
}
