import CPluginAPI
import JSON
import Numerics
import PluginAPI
import Quantization
import Tokenizers

/// Turns the errors of the readers into the contract's, with a status that says whose fault it is.
enum FileErrors {
    /// Runs `body`; what a reader throws about a file or a text crosses with `status`.
    static func named<Result>(_ status: mlp_status = .ioError, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as JSONError {
            throw PluginError(status, error.description)
        } catch let error as SafetensorsError {
            throw PluginError(status, error.description)
        } catch let error as QuantizationError {
            throw PluginError(status, error.description)
        } catch let error as TokenizerError {
            throw PluginError(status, error.description)
        }
    }
}
