/// A code object: an ELF file that a GPU's driver loads.
enum CodeObject {
    private enum Machine {
        static let (cuda, amdgpu) = (190, 224)
    }

    /// Whether bytes are an ELF file at all; a driver also takes bundles and PTX, which are its own to judge.
    static func isELF(_ image: UnsafeRawBufferPointer) -> Bool {
        image.prefix(4).elementsEqual([0x7F, 0x45, 0x4C, 0x46])
    }

    /// Checks whether an object can be the one that is wanted.
    ///
    /// - Parameters:
    ///   - image: The file.
    ///   - target: `gfx950`, `sm_90`.
    ///   - kind: Whose driver is to load it.
    ///   - kernels: Names that it must define.
    /// - Returns: Why it cannot; nil if it can.
    static func fault(
        in image: UnsafeRawBufferPointer,
        target: String,
        kind: DeviceKind,
        kernels: [String]
    ) -> String? {
        do throws(ELFImage.Malformed) {
            let file = try ELFImage(image)
            let machine = kind == .hip ? Machine.amdgpu : Machine.cuda
            guard file.machine == machine else {
                return "it is for ELF machine \(file.machine), not for \(kind == .hip ? "AMD" : "NVIDIA") GPUs"
            }
            if kind == .hip {
                if let made = try amdTarget(file), made != target { return "it is for \(made)" }
            } else if let wanted = Int(target.drop { !$0.isNumber }.prefix { $0.isNumber }) {
                let made = cudaCapability(file)
                if made != 0, made != wanted { return "it is for sm_\(made)" }
            }
            let defined = try Set(
                file.symbols(kind == .hip ? ELFImage.dynamicSymbols : ELFImage.symbolTable)
                    .filter { $0.home != 0 }.map(\.name)
            )
            // A kernel of an AMD GPU is launched by its descriptor.
            let suffix = kind == .hip ? ".kd" : ""
            if let missing = kernels.first(where: { !defined.contains($0 + suffix) }) {
                return "it has no kernel \(missing)"
            }
            return nil
        } catch {
            return error.description
        }
    }

    /// The target in the object's metadata, without the features behind a colon.
    ///
    /// The metadata is MessagePack in a note ("User Guide for AMDGPU Backend"); the one string is found by its key.
    private static func amdTarget(_ file: ELFImage) throws(ELFImage.Malformed) -> String? {
        let key = Array("amdhsa.target".utf8)
        for note in try file.contents(ELFImage.notes) where note.count > key.count {
            for start in 0..<(note.count - key.count) where note[start...].starts(with: key) {
                var at = start + key.count
                let length: Int
                switch note[at] {
                case 0xA0...0xBF: (length, at) = (Int(note[at]) & 31, at + 1)
                case 0xD9 where at + 1 < note.count: (length, at) = (Int(note[at + 1]), at + 2)
                default: continue
                }
                guard at + length <= note.count else { continue }
                let triple = String(decoding: note[at..<at + length], as: UTF8.self).prefix { $0 != ":" }
                return triple.split(separator: "-").last.map(String.init)
            }
        }
        return nil
    }

    /// The NN of `sm_NN` from the flags, whose form changed with version 8 of the ABI.
    private static func cudaCapability(_ file: ELFImage) -> Int {
        file.abiVersion >= 8 ? file.flags >> 8 & 0xFF : file.flags & 0xFF
    }
}
