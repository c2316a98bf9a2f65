/// Bytes of the plugins' tables in the contract's release 1.0: the least that a table may say of itself.
///
/// They never change.  A member that was appended later is read only where `struct_size` covers it.
enum FirstRelease {
    static let library = 24
    static let workload = 56
    static let plugin = 56
    static let dataset = 40
    static let inference = 40
    static let tokenizer = 24
    static let accuracy = 32
    static let weights = 48
    static let kernels = 48
    static let quantize = 56
}
