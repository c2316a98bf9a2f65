internal import Files
internal import Numerics
internal import Quantization

/// Why a checkpoint could not be quantised, and whose fault it is.
public struct QuantizeError: Error, CustomStringConvertible, Sendable {
    /// What happened, where, and what to do.
    public let description: String
    /// The exit status that goes with it.
    public let status: RunStatus

    /// - Parameters:
    ///   - description: What happened, where, and what to do.
    ///   - status: `usage` for what the user gave, `failed` for what the system refused.
    init(_ description: String, status: RunStatus = .usage) {
        self.description = description
        self.status = status
    }

    /// Runs `body`; what the readers and the quantiser throw gets a status.
    static func naming<Result>(_ status: RunStatus, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as FileError {
            throw QuantizeError(error.description, status: status)
        } catch let error as QuantizationError {
            throw QuantizeError(error.description, status: status)
        } catch let error as SafetensorsError {
            throw QuantizeError(error.description, status: status)
        }
    }
}
