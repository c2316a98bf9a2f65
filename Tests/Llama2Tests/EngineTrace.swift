import CPluginAPI
import JSON
import Kernels
import Testing

/// Everything that must not depend on how the work was cut up: each sample's tokens, and a digest of every row of logits
/// with its position.
struct EngineTrace: Equatable {
    var tokens: [[Int32]]
    var digests: [String]
    /// Positions computed.
    var rows = 0

    static func == (left: EngineTrace, right: EngineTrace) -> Bool {
        left.tokens == right.tokens && left.digests == right.digests
    }

    /// Generates, looking at every launch.
    init(
        _ prompts: [[Int32]],
        model: String,
        threads: Int = 1,
        host: TestHost = TestHost(),
        _ options: [(String, JSON)] = []
    ) throws {
        host.threads = threads
        var positions: [Int32] = []
        var digests: [String] = []
        var logitRows: [Int32] = []
        var rows = 0
        host.tap = { kernel, arguments in
            switch kernel {
            case PODIUM_ROPE_TABLES:
                let live = Int(arguments.ints(4)![0])
                rows += live
                positions = Array(UnsafeBufferPointer(start: arguments.ints(2), count: live))
            case PODIUM_RMS_NORM where arguments.raw(4) != nil:
                let rows = arguments.raw(4)!.assumingMemoryBound(to: Int32.self)
                logitRows = Array(UnsafeBufferPointer(start: rows, count: Int(arguments.ints(5)![0])))
            case PODIUM_ARGMAX:
                let width = Int(arguments.int(4))
                for index in 0..<Int(arguments.ints(2)![0]) {
                    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
                    for value in UnsafeBufferPointer(start: arguments.floats(1)! + index * width, count: width) {
                        digest = (digest ^ UInt64(value.bitPattern)) &* 0x100_0000_01b3
                    }
                    digests.append("\(positions[Int(logitRows[index])]) \(digest)")
                }
            default: break
            }
        }
        let outcomes = try generate(prompts, model: model, host: host, options: options)
        #expect(outcomes.allSatisfy { $0.status == 0 })
        #expect(outcomes.allSatisfy { $0.firstToken == $0.tokens.first })
        tokens = outcomes.map(\.tokens)
        self.digests = digests.sorted()
        self.rows = rows
    }
}
