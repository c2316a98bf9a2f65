/// An instance that has a data set whose payloads others may be handed.
protocol HeadInstance: PluginInstance {
    /// The payloads of the loaded samples; nil before the first are loaded, and where they stay in a process of their own.
    var payloads: PayloadTable? { get }
}

/// An instance that computes on payloads which another one loaded.
protocol WorkerInstance: PluginInstance {
    /// Hands samples over whose payloads lie in the head's table, where they stay until the samples are complete.
    ///
    /// One thread at a time.
    func issue(_ samples: UnsafeBufferPointer<IssuedSample>, payloads: PayloadTable) throws
}
