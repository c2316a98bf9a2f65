import Numerics
public import RunRecords
import Synchronization

/// The times of a performance run's samples, seen where the ledger keeps them.
///
/// It is given to ``LoadGenRun/Options/sampleTimes`` at the end of a run and is valid during that call only.
public struct IssuedSampleTimes {
    /// What is known of the whole run; `texts` holds limits and the start.
    public var header: SampleTimes.Header
    /// Samples that were issued.
    public var sampleCount: Int { header.queryCount * header.samplesPerQuery }

    private let phase: LedgerPhase
    private let start: Int64

    init(_ phase: LedgerPhase, settings: EffectiveSettings, start: Int64, queriesIssued: Int, wallStart: WallClock) {
        self.phase = phase
        self.start = start
        let requested = settings.requested
        var texts = [
            "started": wallStart.iso8601,
            "target_latency_percentile": DefaultNumberFormat.text(settings.targetLatencyPercentile),
        ]
        if requested.useTokenLatencies {
            texts["ttft_limit_ns"] = "\(requested.serverTtftLatency)"
            texts["tpot_limit_ns"] = "\(requested.serverTpotLatency)"
        } else if settings.scenario == .server {
            texts["latency_limit_ns"] = "\(settings.targetLatencyNs)"
        }
        header = SampleTimes.Header(
            scenario: settings.scenario.rawValue,
            mode: settings.mode.rawValue,
            queryCount: max(0, min(queriesIssued, phase.count / max(1, phase.samplesPerQuery))),
            samplesPerQuery: max(1, phase.samplesPerQuery),
            texts: texts
        )
    }

    /// Writes them to a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - texts: Further texts for its header, such as an id of the run.
    /// - Throws: `SafetensorsError` where the system refuses.
    public func write(to path: String, texts: [String: String] = [:]) throws {
        var header = header
        header.texts.merge(texts) { _, new in new }
        try SampleTimes.write(to: path, header: header) { column, range, values in
            for (place, row) in range.enumerated() {
                values[place] = value(column, row)
            }
        }
    }

    /// A time or number of one sample (or of one query, for the columns that are of queries).
    ///
    /// - Parameters:
    ///   - column: Which.
    ///   - row: The sample or query, in the order of issue.
    /// - Returns: As `SampleTimes.Column` says.
    public func value(_ column: SampleTimes.Column, _ row: Int) -> Int64 {
        switch column {
        case .scheduled: return max(0, phase.scheduled[row] - start)
        case .issued: return max(0, phase.issued[row] - start)
        case .libraryIndex: return Int64(clamping: phase.samples[row].index)
        case .firstToken, .completed, .tokens, .failed: break
        }
        let slot = phase.slots + row
        let word = slot.pointee.state.load(ordering: .acquiring)
        // A sample whose answer arrives at this very moment, in a run that is given up, counts as not answered.
        let isComplete = word & SlotState.complete != 0 && slot.pointee.latency >= 0
        switch column {
        case .completed: return isComplete ? offset(row, slot.pointee.latency) : -1
        case .firstToken: return offset(row, slot.pointee.firstToken)
        case .tokens: return isComplete ? Int64(clamping: slot.pointee.tokenCount) : 0
        default: return word & SlotState.failed != 0 ? 1 : 0
        }
    }

    private func offset(_ row: Int, _ latency: Int64) -> Int64 {
        latency < 0 ? -1 : max(0, phase.scheduled[phase.query(of: row)] - start + latency)
    }
}
