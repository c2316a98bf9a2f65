// swift-tools-version: 6.2
import PackageDescription

/// The language that every Swift target is written in.
let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Leaves `mlp_library_v1` as the one symbol that a plugin library exports.
let exportEntryAlone: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/PluginAPI/plugin.map"])
]

/// The kernels for GPUs, one source for each family; Scripts/kernels.sh compiles them.
let kernelSources = [
    "Argmax/argmax.hip", "Attention/attention.hip", "Elementwise/elementwise.hip", "Embedding/embedding.hip",
    "FP8/fp8.hip", "Gemm/gemm.hip", "MXFP4/mxfp4.hip", "Norm/norm.hip", "Rope/rope.hip", "Round/round.hip",
]

let package = Package(
    name: "Podium",
    products: [
        .executable(name: "host", targets: ["host"]),
        .library(name: "PluginAPI", targets: ["PluginAPI"]),
        .library(name: "Llama2", type: .dynamic, targets: ["Llama2"]),
        .library(name: "Null", type: .dynamic, targets: ["Null"]),
        .library(name: "Echo", type: .dynamic, targets: ["Echo"]),
        .library(name: "Pair", type: .dynamic, targets: ["Pair"]),
        .library(name: "Mischief", type: .dynamic, targets: ["Mischief"]),
        .library(name: "FakeDriver", type: .dynamic, targets: ["FakeDriver"]),
        .library(name: "ShimDriver", type: .dynamic, targets: ["ShimDriver"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The contract.
        .target(name: "CPluginAPI", path: "Sources/PluginAPI/C"),
        .target(
            name: "PluginAPI",
            dependencies: ["CPluginAPI", "JSON"],
            path: "Sources/PluginAPI/Swift",
            swiftSettings: swift
        ),

        // Libraries that the host and the plugins each carry a copy of.
        .systemLibrary(name: "CJSONC", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),
        .systemLibrary(name: "CFFI", pkgConfig: "libffi", providers: [.apt(["libffi-dev"])]),
        .target(name: "CPlatform"),
        // Folders and whole files; depends on nothing.
        .target(name: "Files", swiftSettings: swift),
        // HIP and the CUDA driver in one shape, found at run time.
        .target(name: "CGPU"),
        // What a processor can do at most: multiply-adds, reading.
        .target(name: "CBench"),
        // The table of the official LoadGen; the shim that fills it is compiled with that library's sources.
        .target(name: "COfficialLoadGen", exclude: ["shim"]),
        .target(name: "JSON", dependencies: ["CJSONC"], swiftSettings: swift),
        .target(name: "CNumerics", linkerSettings: [.linkedLibrary("m")]),
        .target(name: "Numerics", dependencies: ["CNumerics", "JSON"], swiftSettings: swift),
        .target(name: "Quantization", dependencies: ["CNumerics", "Files", "JSON", "Numerics"], swiftSettings: swift),
        .target(
            name: "Kernels",
            dependencies: ["CPluginAPI"],
            exclude: kernelSources,
            linkerSettings: [.linkedLibrary("m")]
        ),
        .target(name: "Tokenizers", dependencies: ["JSON"], swiftSettings: swift),
        .target(name: "Metrics", swiftSettings: swift),
        .target(
            name: "TextGeneration",
            dependencies: ["CPluginAPI", "PluginAPI", "Kernels", "Numerics"],
            swiftSettings: swift
        ),

        // The host.
        .target(name: "RunRecords", dependencies: ["Files", "JSON", "Numerics"], swiftSettings: swift),
        .target(
            name: "Core",
            dependencies: [
                "CPluginAPI", "CBench", "CFFI", "CGPU", "CPlatform", "COfficialLoadGen", "Files", "JSON", "Kernels",
                "Numerics", "Quantization", "RunRecords",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: swift
        ),
        .target(name: "Compliance", dependencies: ["Files", "RunRecords", "JSON"], swiftSettings: swift),
        .target(name: "Submission", dependencies: ["Files", "RunRecords", "JSON"], swiftSettings: swift),
        .target(name: "ReportPage", dependencies: ["RunRecords", "JSON"], swiftSettings: swift),
        .target(
            name: "Experiments",
            dependencies: ["Core", "Files", "RunRecords", "Compliance", "Submission", "JSON"],
            swiftSettings: swift
        ),
        .executableTarget(
            name: "host",
            dependencies: [
                "Core", "RunRecords", "Compliance", "Submission", "ReportPage", "Experiments", "JSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swift
        ),

        // Plugins.
        .target(
            name: "Llama2",
            dependencies: [
                "CPluginAPI", "PluginAPI", "JSON", "Numerics", "Quantization", "Kernels", "Tokenizers",
                "TextGeneration",
                "Metrics",
            ],
            path: "Plugins/Llama2",
            exclude: ["Configs", "Demo", "Dataset"],
            sources: ["Sources"],
            swiftSettings: swift,
            linkerSettings: exportEntryAlone
        ),
        .target(
            name: "Null",
            dependencies: ["CPluginAPI", "PluginAPI"],
            path: "Plugins/Null",
            swiftSettings: swift,
            linkerSettings: exportEntryAlone
        ),
        .target(
            name: "Echo",
            dependencies: ["CPluginAPI", "PluginAPI"],
            path: "Tests/Fixtures/Echo",
            swiftSettings: swift,
            linkerSettings: exportEntryAlone
        ),
        .target(
            name: "Pair",
            dependencies: ["CPluginAPI", "PluginAPI"],
            path: "Tests/Fixtures/Pair",
            swiftSettings: swift,
            linkerSettings: exportEntryAlone
        ),
        .target(
            name: "Mischief",
            dependencies: ["CPluginAPI"],
            path: "Tests/Fixtures/Mischief",
            linkerSettings: exportEntryAlone
        ),

        // A GPU driver on host memory, for tests of the GPU backends.
        .target(name: "FakeDriver", path: "Tests/Fixtures/FakeDriver"),
        // The same, computing with the kernels' sources by the shim.
        .target(
            name: "ShimDriver",
            dependencies: ["FakeDriver", "HipShim", "Kernels", "CPluginAPI"],
            path: "Tests/Fixtures/ShimDriver"
        ),

        // Tests.
        .target(name: "FuzzDriver", path: "Tests/Fuzz", swiftSettings: swift),
        .target(name: "MallocCounter", path: "Tests/MallocCounter"),
        .target(
            name: "ReferenceLlama",
            dependencies: ["Quantization", "Numerics", "JSON"],
            path: "Tests/ReferenceLlama",
            swiftSettings: swift
        ),
        .testTarget(
            name: "JSONTests",
            dependencies: ["JSON", "FuzzDriver"],
            exclude: ["Fixtures"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "NumericsTests",
            dependencies: ["Numerics", "CNumerics", "JSON", "FuzzDriver"],
            exclude: ["Fixtures"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "QuantizationTests",
            dependencies: ["Quantization", "ReferenceLlama", "Numerics", "CNumerics", "JSON", "FuzzDriver"],
            exclude: ["Fixtures"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "TokenizersTests",
            dependencies: ["Tokenizers", "JSON", "FuzzDriver"],
            swiftSettings: swift
        ),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "CPluginAPI", "Numerics"], swiftSettings: swift),
        // The sources for GPUs, run on the CPU.
        .target(
            name: "HipShim",
            dependencies: ["CPluginAPI", "Kernels"],
            path: "Tests/HipShim",
            linkerSettings: [.linkedLibrary("m")]
        ),
        .testTarget(
            name: "HipTests",
            dependencies: ["HipShim", "Kernels", "CPluginAPI", "PluginAPI", "TextGeneration", "CNumerics"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "LoadGenTests",
            dependencies: ["Core", "CPluginAPI", "COfficialLoadGen", "JSON", "RunRecords", "MallocCounter"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ConfigTests",
            dependencies: ["Core", "JSON", "FuzzDriver"],
            exclude: ["amd-commands.json", "resolve_amd_commands.py"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "DevicesTests",
            dependencies: ["Core", "CGPU", "CPluginAPI", "MallocCounter", "Numerics"],
            swiftSettings: swift
        ),
        .testTarget(name: "WeightsTests", dependencies: ["Core", "CPluginAPI"], swiftSettings: swift),
        .testTarget(name: "TextGenerationTests", dependencies: ["TextGeneration", "CPluginAPI"], swiftSettings: swift),
        .testTarget(
            name: "Llama2Tests",
            dependencies: [
                "Llama2", "TextGeneration", "Kernels", "Numerics", "Quantization", "CPluginAPI", "JSON", "FuzzDriver",
                "MallocCounter",
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "RunRecordsTests",
            dependencies: ["RunRecords", "JSON"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "MetricsTests",
            dependencies: ["Metrics", "JSON"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ComplianceTests",
            dependencies: ["Compliance", "RunRecords", "JSON"],
            exclude: ["Fixtures"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "SubmissionTests",
            dependencies: ["Submission", "RunRecords", "JSON"],
            exclude: ["Fixtures"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ReportPageTests",
            dependencies: ["ReportPage", "RunRecords", "Numerics", "JSON"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ExperimentsTests",
            dependencies: ["Experiments", "Compliance", "Core", "RunRecords", "JSON"],
            swiftSettings: swift
        ),
        // Runs the built host and plugins; linking two plugins into one test binary would define the entry twice.
        .testTarget(
            name: "HostTests",
            dependencies: [
                "Core", "RunRecords", "CPluginAPI", "JSON", "MallocCounter", "Numerics", "Quantization",
                "ReferenceLlama",
            ],
            exclude: ["Snapshots"],
            swiftSettings: swift
        ),

        // Benchmarks.
        .executableTarget(
            name: "KernelBenchmark",
            dependencies: ["Kernels", "CPluginAPI"],
            path: "Benchmarks/Kernels"
        ),
        .executableTarget(name: "FormatBenchmark", dependencies: ["CNumerics"], path: "Benchmarks/Formats"),
        .executableTarget(
            name: "TokenizerBenchmark",
            dependencies: ["Tokenizers"],
            path: "Benchmarks/Tokenizer",
            exclude: ["compare.py", "prepare.py"],
            swiftSettings: swift
        ),
        // Benchmarks/Accuracy/Host is a link: the tests' host shows logits, which no real one does.
        .executableTarget(
            name: "LogitBenchmark",
            dependencies: ["Llama2", "Kernels", "Tokenizers", "Numerics", "CPluginAPI", "JSON"],
            path: "Benchmarks/Accuracy",
            exclude: ["run.py"],
            swiftSettings: swift
        ),
        .executableTarget(
            name: "LaunchBenchmark",
            dependencies: ["Core", "CPluginAPI"],
            path: "Benchmarks/Launch",
            swiftSettings: swift
        ),
    ]
)
