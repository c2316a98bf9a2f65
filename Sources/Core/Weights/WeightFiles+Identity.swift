import Numerics

extension WeightFiles {
    /// Bytes that are hashed at a time, by one thread.
    private static let piece = 1 << 20
    /// Bytes at each end of a tensor that the quick fingerprint looks at.
    private static let sample = 4096

    /// A hash of every byte of the declared tensors, their names, types and shapes, in the order of the declarations.
    ///
    /// It reads the whole checkpoint.  It says the same for the same tensors however they are spread over files, and is
    /// not cryptographic: it tells one set of weights from another, and does not prove where they come from.
    ///
    /// - Parameter pool: the threads to read with.
    /// - Returns: 64 bits: XXH64 over the hashes of pieces of 1 MiB.
    public func contentHash(on pool: ThreadPool) -> UInt64 {
        identity { view in
            let bytes = view.bytes
            let count = (bytes.count + Self.piece - 1) / Self.piece
            let hashes = UnsafeMutablePointer<UInt64>.allocate(capacity: max(count, 1))
            defer { hashes.deallocate() }
            nonisolated(unsafe) let shared = hashes
            pool.forEach(count) { index in
                let range = index * Self.piece..<min((index + 1) * Self.piece, bytes.count)
                shared[index] = XXHash64.hash(UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
            return XXHash64.hash(UnsafeRawBufferPointer(start: hashes, count: count * 8))
        }
    }

    /// A quick look: names, types, shapes, and the first and last 4 KiB of each declared tensor.
    ///
    /// Two checkpoints that differ elsewhere have the same fingerprint: it finds a wrong folder, and vouches for nothing.
    ///
    /// - Returns: 64 bits.
    public func sampledFingerprint() -> UInt64 {
        identity { view in
            let bytes = view.bytes
            let head = XXHash64.hash(UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.sample)))
            return XXHash64.hash(UnsafeRawBufferPointer(rebasing: bytes.suffix(Self.sample)), seed: head)
        }
    }

    private func identity(_ hash: (TensorView) -> UInt64) -> UInt64 {
        var result: UInt64 = 0
        for (tensor, view) in zip(declarations.tensors, views) {
            let header = "\(tensor.path)\u{0}\(tensor.type)\u{0}\(tensor.shape)\u{0}\(view == nil)"
            result = Array(header.utf8).withUnsafeBytes { XXHash64.hash($0, seed: result) }
            guard let view else { continue }
            withUnsafeBytes(of: view.withBytes { _ in hash(view) }.littleEndian) {
                result = XXHash64.hash($0, seed: result)
            }
        }
        return result
    }
}
