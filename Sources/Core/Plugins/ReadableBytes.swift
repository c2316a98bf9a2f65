import CPluginAPI

extension mlp_bytes {
    /// Whether bytes that a plugin names can be there at all.
    var isReadable: Bool { size == 0 || (data != nil && size <= UInt64(Int.max)) }
}
