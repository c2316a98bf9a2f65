extension DeviceGroup {
    /// The group that a selection means.
    ///
    /// - Parameters:
    ///   - selection: Which devices.
    ///   - count: How many the group has.
    ///   - threads: Threads of the host's pool; nil: one for each usable CPU.
    ///   - memoryBudget: Bytes that may be given out on a processor; nil: what is available.
    ///   - plugin: Whose group it is, for messages.
    /// - Returns: The group, on a backend of its own.
    /// - Throws: `MLP_UNSUPPORTED` when the runtime is not there or sees no device; `MLP_INVALID_ARGUMENT` for devices
    ///   that are not there.
    public static func selected(
        _ selection: DeviceSelection,
        count: Int,
        threads: Int?,
        memoryBudget: UInt64? = nil,
        plugin: String
    ) throws(DeviceError) -> DeviceGroup {
        guard selection.kind != .cpu else {
            return try cpu(devices: count, threads: threads, memoryBudget: memoryBudget, plugin: plugin)
        }
        let runtime = try GPURuntime(selection.kind, library: GPULibraries.runtime(selection.kind))
        let backend = try GPUBackend(runtime, compiler: RuntimeCompiler())
        return try DeviceGroup(
            backend: backend,
            devices: try selection.ordinals(count: count, of: backend.deviceCount),
            pool: ThreadPool(threads: threads),
            plugin: plugin
        )
    }
}
