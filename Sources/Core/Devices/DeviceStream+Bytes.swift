extension DeviceStream {
    /// Copies bytes to the device and waits for it.
    func place(_ bytes: [UInt8], at memory: UnsafeMutableRawPointer) throws(DeviceError) {
        let staging = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        defer { staging.deallocate() }
        staging.copyBytes(from: bytes)
        guard let base = staging.baseAddress else { return }
        try copy(to: memory, from: base, size: UInt64(bytes.count))
        try synchronize()
    }

    /// Copies bytes from the device and waits for them.
    func bytes(_ count: Int, at memory: UnsafeRawPointer) throws(DeviceError) -> [UInt8] {
        let staging = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
        defer { staging.deallocate() }
        guard let base = staging.baseAddress else { return [] }
        try copy(to: base, from: memory, size: UInt64(count))
        try synchronize()
        return Array(staging.prefix(count))
    }
}
