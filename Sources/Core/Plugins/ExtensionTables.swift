import CPluginAPI

/// The tables that an instance answered with, each checked for its size and its required functions.
struct ExtensionTables {
    var dataset: UnsafePointer<mlp_dataset>?
    var inference: UnsafePointer<mlp_inference>?
    var tokenizer: UnsafePointer<mlp_tokenizer>?
    var accuracy: UnsafePointer<mlp_accuracy>?
    var weights: UnsafePointer<mlp_weights>?
    var kernels: UnsafePointer<mlp_kernels>?
    var quantize: UnsafePointer<mlp_quantize>?

    init(of plugin: UnsafePointer<mlp_plugin>, library: String) throws {
        func ask<Table>(
            _ id: String,
            _ type: Table.Type,
            _ least: Int,
            _ size: KeyPath<Table, UInt32>,
            _ required: (Table) -> [(String, Bool)]
        ) throws -> UnsafePointer<Table>? {
            guard let answer = plugin.pointee.extension(plugin, id) else { return nil }
            guard plugin.pointee.extension(plugin, id) == answer else {
                throw PluginFault(.contract, library: library, call: "extension", reason: "\(id): the answer changes")
            }
            guard Int(bitPattern: answer) % MemoryLayout<Table>.alignment == 0 else {
                throw PluginFault(.contract, library: library, call: "extension", reason: "\(id): not aligned")
            }
            let table = answer.assumingMemoryBound(to: type)
            let stated = Int(table.pointee[keyPath: size])
            guard stated >= least else {
                throw PluginFault(
                    .contract,
                    library: library,
                    call: "extension",
                    reason: "\(id): struct_size is \(stated), below \(least)"
                )
            }
            for (name, present) in required(table.pointee) where !present {
                throw PluginFault(
                    .contract,
                    library: library,
                    call: "extension",
                    reason: "\(id): the required function \(name) is NULL"
                )
            }
            return table
        }
        dataset = try ask(MLP_DATASET, mlp_dataset.self, FirstRelease.dataset, \.struct_size) {
            [
                ("size", $0.size != nil), ("load", $0.load != nil), ("unload", $0.unload != nil),
                ("payload", $0.payload != nil),
            ]
        }
        inference = try ask(MLP_INFERENCE, mlp_inference.self, FirstRelease.inference, \.struct_size) {
            [
                ("warm_up", $0.warm_up != nil), ("issue", $0.issue != nil), ("flush", $0.flush != nil),
                ("cancel", $0.cancel != nil),
            ]
        }
        tokenizer = try ask(MLP_TOKENIZER, mlp_tokenizer.self, FirstRelease.tokenizer, \.struct_size) {
            [("encode", $0.encode != nil), ("decode", $0.decode != nil)]
        }
        accuracy = try ask(MLP_ACCURACY, mlp_accuracy.self, FirstRelease.accuracy, \.struct_size) {
            [("begin", $0.begin != nil), ("add", $0.add != nil), ("finish", $0.finish != nil)]
        }
        weights = try ask(MLP_WEIGHTS, mlp_weights.self, FirstRelease.weights, \.struct_size) {
            [("bind", $0.bind != nil), ("place", $0.placement_count == 0 || $0.place != nil)]
        }
        kernels = try ask(MLP_KERNELS, mlp_kernels.self, FirstRelease.kernels, \.struct_size) { _ in [] }
        quantize = try ask(MLP_QUANTIZE, mlp_quantize.self, FirstRelease.quantize, \.struct_size) {
            [("state_size", $0.state_size != nil), ("begin", $0.begin != nil), ("advance", $0.advance != nil)]
        }
    }

    var names: [String] {
        var names: [String] = []
        if dataset != nil { names.append(MLP_DATASET) }
        if inference != nil { names.append(MLP_INFERENCE) }
        if tokenizer != nil { names.append(MLP_TOKENIZER) }
        if accuracy != nil { names.append(MLP_ACCURACY) }
        if weights != nil { names.append(MLP_WEIGHTS) }
        if kernels != nil { names.append(MLP_KERNELS) }
        if quantize != nil { names.append(MLP_QUANTIZE) }
        return names
    }
}
