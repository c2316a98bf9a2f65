import CGPU
public import JSON

/// What devices this machine has, and what is missing for those it could have.
public struct DeviceInventory: Sendable {
    /// One kind of device.
    public struct Runtime: Sendable {
        /// Which.
        public var kind: DeviceKind
        /// The library, nil for the processor or when none was found.
        public var library: String?
        /// The library's version as it numbers itself, 0 when it does not say.
        public var version = 0
        /// What keeps the devices from being used, nil when nothing does.
        public var problem: String?
        /// The compiler for kernels without a code object for the device, nil when none was found.
        public var compiler: String?
        /// Why there is none, nil when there is one.
        public var compilerProblem: String?
        /// The devices in the runtime's order, with their free bytes.
        public var devices: [(properties: DeviceProperties, free: UInt64)] = []
    }

    /// Processor, HIP and CUDA, in this order.
    public let runtimes: [Runtime]

    /// Asks every runtime.
    public init() {
        runtimes = [Self.processor()] + [DeviceKind.hip, .cuda].map(Self.gpu)
    }

    private static func processor() -> Runtime {
        var found = Runtime(kind: .cpu)
        let backend = CPUBackend(pool: ThreadPool())
        do throws(DeviceError) {
            found.devices = [(try backend.properties(of: 0), try backend.freeMemory(of: 0))]
        } catch {
            found.problem = error.message
        }
        return found
    }

    private static func gpu(_ kind: DeviceKind) -> Runtime {
        var found = Runtime(kind: kind)
        do throws(DeviceError) {
            let runtime = try GPURuntime(kind, library: GPULibraries.runtime(kind))
            found.library = runtime.library
            found.version = runtime.version
            let backend = try GPUBackend(runtime, compiler: nil)
            for device in 0..<backend.deviceCount {
                found.devices.append((try backend.properties(of: device), try backend.freeMemory(of: device)))
            }
        } catch {
            found.problem = error.message
        }
        var compiler = podium_rtc_compiler()
        var problem = [CChar](repeating: 0, count: 512)
        let wanted = kind == .hip ? PODIUM_GPU_HIP : PODIUM_GPU_CUDA
        if podium_rtc_find(wanted, GPULibraries.compiler(kind), &compiler, &problem, UInt64(problem.count)) != 0 {
            let library = withUnsafeBytes(of: compiler.library) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            found.compiler = "\(library) \(compiler.major).\(compiler.minor)"
        } else {
            found.compilerProblem = String(
                decoding: problem.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
        }
        return found
    }

    /// A line for each device, and one for what is missing.
    public func text() -> String {
        var lines: [String] = []
        for runtime in runtimes {
            for (ordinal, device) in runtime.devices.enumerated() {
                let properties = device.properties
                let units = runtime.kind == .cpu ? "threads" : "compute units"
                lines.append(
                    "\(runtime.kind):\(ordinal)  \(properties.name), \(properties.architecture), "
                        + "\(properties.computeUnits) \(units), \(device.free >> 20) of \(properties.memorySize >> 20) MiB free"
                )
            }
            if let library = runtime.library {
                let version = runtime.version > 0 ? " (version \(runtime.version))" : ""
                let compiler = runtime.compiler ?? "none (\(runtime.compilerProblem ?? "not looked for"))"
                lines.append("\(runtime.kind)    library \(library)\(version); compiler \(compiler)")
            }
            if let problem = runtime.problem { lines.append(problem) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The same for programs.
    public var json: JSON {
        .array(
            runtimes.map { runtime in
                var members: [(String, JSON)] = [("kind", .string(runtime.kind.word))]
                if let library = runtime.library {
                    members.append(("library", .string(library)))
                    members.append(("version", JSON(runtime.version)))
                }
                if let compiler = runtime.compiler { members.append(("compiler", .string(compiler))) }
                if let problem = runtime.problem { members.append(("problem", .string(problem))) }
                let devices = runtime.devices.map { device in
                    JSON.object(
                        JSONObject([
                            ("name", .string(device.properties.name)),
                            ("architecture", .string(device.properties.architecture)),
                            ("memory_bytes", JSON(Int(clamping: device.properties.memorySize))),
                            ("free_bytes", JSON(Int(clamping: device.free))),
                            ("compute_units", JSON(Int(device.properties.computeUnits))),
                            ("wave_size", JSON(Int(device.properties.waveSize))),
                            ("max_threads_per_block", JSON(Int(device.properties.maximumThreadsPerBlock))),
                            ("max_shared_bytes_per_block", JSON(Int(device.properties.maximumSharedBytesPerBlock))),
                        ])
                    )
                }
                members.append(("devices", .array(devices)))
                return .object(JSONObject(members))
            }
        )
    }
}
