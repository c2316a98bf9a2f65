import CPluginAPI

/// The tables that a worker uses.
extension Instance {
    static func inferenceTable(_ claims: InferenceClaims) -> mlp_inference {
        mlp_inference(
            struct_size: UInt32(MemoryLayout<mlp_inference>.size),
            claims: claims.rawValue,
            warm_up: { plugin in Instance.call(plugin) { try $0.inference?.warmUp() } },
            issue: { plugin, queries, count in
                Instance.call(plugin) {
                    try $0.inference?.issue(UnsafeBufferPointer(start: queries, count: Int(count)))
                }
            },
            flush: { plugin in Instance.call(plugin) { try $0.inference?.flush() } },
            cancel: { plugin, ids, count in
                Instance.call(plugin) { try $0.inference?.cancel(UnsafeBufferPointer(start: ids, count: Int(count))) }
            }
        )
    }

    func weightsTable(_ weights: any WeightsProviding) -> mlp_weights {
        let tensors = weights.tensors.map { tensor in
            mlp_tensor(
                name: keep(tensor.name),
                folder: tensor.folder.flatMap { keep($0) },
                shape: keep(tensor.shape).baseAddress,
                rank: UInt32(tensor.shape.count),
                dtype: tensor.dtype,
                flags: tensor.flags,
                scales: tensor.scales,
                block: tensor.block,
                shard_axis: tensor.shardAxis,
                reserved: 0
            )
        }
        let placements = weights.placements.map { placement in
            mlp_placement(
                name: keep(placement.name),
                sources: keep(placement.sources).baseAddress,
                source_count: UInt32(placement.sources.count),
                reserved: 0,
                size: placement.size
            )
        }
        return mlp_weights(
            struct_size: UInt32(MemoryLayout<mlp_weights>.size),
            tensor_count: UInt32(tensors.count),
            tensors: keep(tensors).baseAddress,
            placements: keep(placements).baseAddress,
            placement_count: UInt32(placements.count),
            reserved: 0,
            place: { plugin, placement, shard, shardCount, sources, destination in
                Instance.call(plugin) { instance in
                    guard let weights = instance.weights, let destination,
                        Int(placement) < weights.placements.count
                    else { throw PluginError(.invalidArgument, "place: no placement \(placement)") }
                    try weights.place(
                        Int(placement),
                        shard: Int(shard),
                        of: Int(shardCount),
                        sources: UnsafeBufferPointer(
                            start: sources,
                            count: weights.placements[Int(placement)].sources.count
                        ),
                        into: destination
                    )
                }
            },
            bind: { plugin, device, bound, count in
                Instance.call(plugin) { instance in
                    guard let weights = instance.weights else { return }
                    let tensorCount = weights.tensors.count
                    guard Int(count) == tensorCount + weights.placements.count else {
                        throw PluginError(
                            .invalidArgument,
                            "bind: \(count) addresses for \(tensorCount) tensors and \(weights.placements.count) placements"
                        )
                    }
                    let bound = UnsafeBufferPointer(start: bound, count: Int(count))
                    try weights.bind(
                        device: device,
                        tensors: UnsafeBufferPointer(rebasing: bound[..<tensorCount]),
                        placements: UnsafeBufferPointer(rebasing: bound[tensorCount...])
                    )
                }
            }
        )
    }

    static func kernelsTable(_ kernels: any KernelsProviding) -> mlp_kernels {
        let list = kernels.kernels
        let families = kernels.kernelFamilies
        return mlp_kernels(
            struct_size: UInt32(MemoryLayout<mlp_kernels>.size),
            kernel_count: UInt32(list.count),
            kernels: list.baseAddress,
            families: families.baseAddress,
            family_count: UInt32(families.count),
            reserved: 0,
            example: { plugin, kernel, number, kind, architecture, out in
                var status = mlp_status.ok
                let called = Instance.call(plugin) { instance in
                    guard let out,
                        let example = try instance.kernels?.kernelExample(
                            kernel: kernel,
                            number: number,
                            target: DeviceTarget(
                                kind: Int(kind),
                                architecture: architecture.map { String(cString: $0) } ?? ""
                            )
                        )
                    else {
                        status = .notFound
                        return
                    }
                    out.pointee.grid = example.grid
                    out.pointee.args = example.arguments.baseAddress
                    out.pointee.arg_count = UInt32(example.arguments.count)
                }
                return called == .ok ? status : called
            },
            benchmark: { plugin, kernel, number, kind, architecture, out in
                var status = mlp_status.ok
                let called = Instance.call(plugin) { instance in
                    guard let out,
                        let benchmark = try instance.kernels?.kernelBenchmark(
                            kernel: kernel,
                            number: number,
                            target: DeviceTarget(
                                kind: Int(kind),
                                architecture: architecture.map { String(cString: $0) } ?? ""
                            )
                        )
                    else {
                        status = .notFound
                        return
                    }
                    out.pointee.grid = benchmark.launch.grid
                    out.pointee.args = benchmark.launch.arguments.baseAddress
                    out.pointee.arg_count = UInt32(benchmark.launch.arguments.count)
                    out.pointee.title = benchmark.title
                    out.pointee.bytes = benchmark.bytes
                    out.pointee.operations = benchmark.operations
                }
                return called == .ok ? status : called
            }
        )
    }
}
