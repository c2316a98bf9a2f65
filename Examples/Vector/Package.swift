// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Vector",
    products: [.library(name: "Vector", type: .dynamic, targets: ["Vector"])],
    dependencies: [.package(name: "Podium", path: "../..")],
    targets: [
        .target(
            name: "VectorKernels",
            dependencies: [.product(name: "PluginAPI", package: "Podium")],
            exclude: ["vector.hip"],
            linkerSettings: [.linkedLibrary("m")]
        ),
        .target(
            name: "Vector",
            dependencies: ["VectorKernels", .product(name: "PluginAPI", package: "Podium")],
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
    ]
)
