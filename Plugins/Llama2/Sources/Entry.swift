public import CPluginAPI
import PluginAPI

nonisolated(unsafe) private let library = makeLibrary(Llama2.self)

// swift-format-ignore: AlwaysUseLowerCamelCase
/// The entry that the host looks up.
@c public func mlp_library_v1() -> UnsafePointer<mlp_library>? { library }
