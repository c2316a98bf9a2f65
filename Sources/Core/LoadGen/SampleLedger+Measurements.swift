import Synchronization

extension SampleLedger {
    /// What a phase measured, and what the official LoadGen would complain about.
    struct Harvest {
        var measurements = RunMeasurements()
        /// One per offence, in the official words.
        var complaints: [String] = []
        /// Nanoseconds from the start to the last answer, 0 if there is none.
        var activeDuration: Int64 = 0
        /// Samples without a first token where the scenario wants one.
        var missingFirstTokens = 0
    }

    /// Gathers latencies of the samples of the queries issued; samples without an answer are left out.
    func harvest(settings: EffectiveSettings, plan: QueryPlan, outcome: IssueOutcome) -> Harvest {
        var harvest = Harvest()
        guard let phase else { return harvest }
        let issued = min(outcome.queriesIssued * phase.samplesPerQuery, phase.count)
        let tokens = settings.requested.useTokenLatencies
        let wantsFirstTokens = tokens && settings.scenario != .offline
        var measured = RunMeasurements()
        measured.queriesIssued = UInt64(outcome.queriesIssued)
        measured.sampleLatencies.reserveCapacity(issued)
        if tokens {
            measured.tokensPerSample.reserveCapacity(issued)
        }
        if wantsFirstTokens {
            measured.firstTokenLatencies.reserveCapacity(issued)
            measured.timePerOutputToken.reserveCapacity(issued)
        }
        var longest: Int64 = 0
        var lastQueryLatency: Int64 = 0
        var queryLatency: Int64 = 0
        var lastAnswer = outcome.start
        for slot in 0..<issued {
            let entry = phase.slots + slot
            let query = phase.query(of: slot)
            let word = entry.pointee.state.load(ordering: .acquiring)
            if word & SlotState.complete != 0, entry.pointee.latency >= 0 {
                let latency = entry.pointee.latency
                measured.sampleLatencies.append(latency)
                longest = max(longest, latency)
                queryLatency = max(queryLatency, latency)
                lastAnswer = max(lastAnswer, phase.scheduled[query] + latency)
                if tokens {
                    addTokens(entry, wantsFirstTokens, &measured, &harvest)
                }
            }
            if (slot + 1) % phase.samplesPerQuery == 0 {
                if settings.scenario == .multiStream {
                    measured.queryLatencies.append(queryLatency)
                }
                lastQueryLatency = queryLatency
                queryLatency = 0
            }
        }
        measured.maxLatency = Double(longest) / 1e9
        if outcome.queriesIssued > 0 {
            let last = outcome.queriesIssued - 1
            measured.finalQueryScheduledTime = Double(plan.scheduledOffsets[last]) / 1e9
            measured.finalQueryIssuedTime = Double(phase.issued[last] - outcome.start) / 1e9
            measured.finalQueryDoneTime = Double(phase.scheduled[last] + lastQueryLatency - outcome.start) / 1e9
        }
        harvest.activeDuration = lastAnswer - outcome.start
        harvest.measurements = measured
        return harvest
    }

    private func addTokens(
        _ entry: UnsafeMutablePointer<LedgerSlot>,
        _ wantsFirstTokens: Bool,
        _ measured: inout RunMeasurements,
        _ harvest: inout Harvest
    ) {
        var firstToken = entry.pointee.firstToken
        if wantsFirstTokens && firstToken < 0 {
            harvest.complaints.append("Attempted to record a sample latency before it's first token latency")
            harvest.missingFirstTokens += 1
            firstToken = entry.pointee.latency
        }
        var count = Int64(truncatingIfNeeded: entry.pointee.tokenCount)
        if count == 0 {
            harvest.complaints.append("n_tokens argument missing or attempted to record 0 as number of tokens")
        } else if count < 0 {
            harvest.complaints.append("Attempted to record a negative number of tokens")
            count = 0
        } else if count == 1 {
            harvest.complaints.append("Number of tokens need to be greater than 1")
            count = 0
        }
        measured.tokensPerSample.append(count)
        guard wantsFirstTokens else { return }
        measured.firstTokenLatencies.append(firstToken)
        // A count below 2 divides by -1: the official arithmetic, which shows in the minimum.
        measured.timePerOutputToken.append((entry.pointee.latency - firstToken) / (count - 1))
    }
}
