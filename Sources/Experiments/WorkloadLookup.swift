public import Core

extension ExperimentPlan.Workload {
    /// Looks into the plugin that a configuration names, in a process of its own.
    ///
    /// - Parameters:
    ///   - configuration: The plugin, and the workload if it has several.
    ///   - console: Where the plugin's messages go.
    /// - Throws: `PluginFault`.
    public init(_ configuration: RunConfiguration, console: RunConsole) throws {
        let plugin = try openPlugin(named: configuration.plugin, isolated: true, limits: configuration.callLimits) {
            level,
            message in
            if level >= console.leastLevel { console.note("plugin: \(message)") }
        }
        let workload = try plugin.workload(named: configuration.workload).description
        self.init(benchmark: workload.benchmark, id: workload.id)
    }
}
