/// Chooses the samples of each query, in the order of draws of the official LoadGen.
///
/// Every list is shuffled from one stream whether or not it is used, because leaving one out would shift all later draws.
struct SampleChooser {
    private(set) var samplesPerQuery: Int
    /// Least number of queries, padded where equal-issue mode wants whole permutations.
    private(set) var queryCount: UInt64
    /// Queries are generated until one is due behind this time, in nanoseconds.
    let generationDuration: Int64

    private let scenario: Scenario
    private let loaded: [UInt64]
    private let distributionEnd: Int
    private let accuracy: Bool
    private let unique: Bool
    private let same: Bool
    private let equalIssue: Bool
    private let sameIndex: Int

    private var random: MersenneTwister
    /// Accuracy mode's order of the loaded samples.
    private var modeOrder: [UInt32] = []
    private var uniqueOrder: [UInt32] = []
    private var equalIssueOrder: [UInt32] = []
    private var modeNext = 0
    private var uniqueNext = 0
    private var equalIssueNext = 0

    init(settings: EffectiveSettings, loaded set: LoadableSet, mode: TestMode) throws {
        scenario = settings.scenario
        loaded = set.indices
        distributionEnd = set.distributionEnd
        accuracy = mode == .accuracyOnly
        unique = settings.requested.performanceIssueUnique
        same = settings.requested.performanceIssueSame
        equalIssue = settings.requested.sampleConcatenatePermutation
        guard settings.samplesPerQuery <= UInt64(QueryPlan.sampleLimit) else {
            throw LoadGenError.planTooLarge(reason: "one query asks for \(settings.samplesPerQuery) samples")
        }
        samplesPerQuery = Int(settings.samplesPerQuery)
        if accuracy && scenario == .offline {
            samplesPerQuery = distributionEnd
        }
        guard samplesPerQuery > 0 else {
            throw LoadGenError.emptyPlan(
                reason: "a query would have no sample; min_query_count and target_qps are both 0"
            )
        }
        sameIndex = Int(clamping: settings.requested.performanceIssueSameIndex)
        if same && sameIndex >= (scenario == .multiStream ? distributionEnd : loaded.count) {
            throw LoadGenError.invalidSetting(
                name: "performance_issue_same_index",
                value: "\(settings.requested.performanceIssueSameIndex)",
                reason: "only \(distributionEnd) samples are loaded"
            )
        }

        let duration = settings.targetDurationNs
        if accuracy || unique {
            generationDuration = 0
            queryCount = UInt64(loaded.count / samplesPerQuery)
        } else {
            generationDuration = scenario == .server ? duration : duration &* 2
            queryCount = settings.minQueryCount
        }
        guard queryCount <= UInt64(QueryPlan.sampleLimit) else {
            throw LoadGenError.planTooLarge(reason: "min_query_count is \(queryCount)")
        }
        random = MersenneTwister(seed: settings.requested.sampleIndexRngSeed)
        drawLists()
        padToPermutations()
    }

    private mutating func drawLists() {
        let step = scenario == .multiStream ? samplesPerQuery : 1
        let starts = stride(from: 0, to: distributionEnd, by: step).map { UInt32($0) }
        if accuracy {
            modeOrder = starts
            random.shuffle(&modeOrder)
        }
        uniqueOrder = starts
        random.shuffle(&uniqueOrder)
        var permutation = Array(0..<UInt32(loaded.count))
        var drawn: UInt64 = 0
        while drawn < queryCount {
            random.shuffle(&permutation)
            if equalIssue {
                equalIssueOrder.append(contentsOf: permutation)
            }
            drawn += UInt64(loaded.count)
        }
    }

    private mutating func padToPermutations() {
        guard equalIssue && !accuracy else { return }
        let whole = loaded.count
        if scenario == .offline {
            samplesPerQuery += (whole - samplesPerQuery % whole) % whole
        } else {
            let size = UInt64(whole)
            queryCount += (size - queryCount % size) % size
        }
    }

    /// Appends the library indices of the next query.
    mutating func appendQuery(to indices: inout [UInt64]) throws {
        switch scenario {
        case .singleStream, .server:
            indices.append(loaded[try nextPosition(useEqualIssue: equalIssue)])
        case .multiStream:
            let start = try nextPosition(useEqualIssue: false)
            guard start + samplesPerQuery <= loaded.count else {
                throw LoadGenError.emptyPlan(
                    reason: "a query of \(samplesPerQuery) samples starts at the last loaded one"
                )
            }
            indices.append(contentsOf: loaded[start..<start + samplesPerQuery])
        case .offline:
            appendOffline(to: &indices)
        }
    }

    private mutating func nextPosition(useEqualIssue: Bool) throws -> Int {
        if unique {
            defer { uniqueNext += 1 }
            guard uniqueNext < uniqueOrder.count else {
                throw LoadGenError.emptyPlan(reason: "all \(uniqueOrder.count) unique samples are used up")
            }
            return Int(uniqueOrder[uniqueNext])
        }
        if same { return sameIndex }
        if useEqualIssue && !equalIssueOrder.isEmpty {
            defer { equalIssueNext = equalIssueNext + 1 == equalIssueOrder.count ? 0 : equalIssueNext + 1 }
            return Int(equalIssueOrder[equalIssueNext])
        }
        if accuracy {
            defer { modeNext += 1 }
            guard modeNext < modeOrder.count else {
                throw LoadGenError.emptyPlan(reason: "all \(modeOrder.count) samples of the set are used up")
            }
            return Int(modeOrder[modeNext])
        }
        return Int(random.uniform(through: UInt32(distributionEnd - 1)))
    }

    private mutating func appendOffline(to indices: inout [UInt64]) {
        indices.reserveCapacity(indices.count + samplesPerQuery)
        if same {
            indices.append(contentsOf: repeatElement(loaded[sameIndex], count: samplesPerQuery))
            return
        }
        for _ in 0..<samplesPerQuery / loaded.count {
            var round = loaded
            if equalIssue {
                random.shuffle(&round)
            }
            indices.append(contentsOf: round)
        }
        indices.append(contentsOf: loaded[0..<samplesPerQuery % loaded.count])
    }
}
