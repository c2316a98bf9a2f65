/// One sample of a query, as the system under test receives it.
///
/// The layout is that of a pair of 64-bit words; arrays of it cross the plugin ABI as they are.
@frozen
public struct IssuedSample: Sendable, Equatable {
    /// Names this one issue of the sample; 0 is never used, and no value is used twice in a process.
    public var id: UInt64
    /// The sample's index in the library.
    public var index: UInt64

    /// - Parameters:
    ///   - id: Names this one issue of the sample.
    ///   - index: The sample's index in the library.
    public init(id: UInt64, index: UInt64) {
        self.id = id
        self.index = index
    }
}

/// What LoadGen measures: a plugin, a cluster of workers, or a null workload.
///
/// Answers come back through ``SampleLedger/firstToken(_:_:)`` and ``SampleLedger/complete(_:_:)``, from any thread and even
/// from within `issue`.
public protocol SystemUnderTest: AnyObject, Sendable {
    /// The name that the logs carry.
    var name: String { get }

    /// Announces the size of the queries to come, before the clock starts.
    ///
    /// - Parameters:
    ///   - samplesPerQuery: Samples in one query; Server may merge queries where coalescing is on.
    ///   - sampleCount: Samples in all, whose ids will name the slots below it (see ``SampleLedger``).
    /// - Throws: When the system cannot serve queries of that size.
    func reserve(samplesPerQuery: Int, sampleCount: Int) throws

    /// Takes the samples of one query and returns at once.
    ///
    /// - Parameter samples: Valid during the call only.
    /// - Throws: When the system cannot take the query; that ends the run.
    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws

    /// Tells that no query will follow for now.
    ///
    /// - Throws: When the system cannot go on; that ends the run.
    func flush() throws

    /// Gives up the samples named; a system may still answer them.
    ///
    /// - Parameter ids: The samples' ids, valid during the call only.
    func cancel(_ ids: UnsafeBufferPointer<UInt64>)
}

/// Where the samples come from.
public protocol QuerySampleLibrary: AnyObject, Sendable {
    /// The name that the logs carry.
    var name: String { get }
    /// How many samples there are.
    var totalCount: UInt64 { get }
    /// How many samples can be loaded at once.
    var performanceCount: UInt64 { get }

    /// Makes samples ready to be issued.
    ///
    /// - Parameter indices: Indices below ``totalCount``; MultiStream may repeat some.
    /// - Throws: When they cannot be loaded.
    func load(_ indices: [UInt64]) throws

    /// Releases samples that were loaded.
    ///
    /// - Parameter indices: The same list that was loaded.
    /// - Throws: When they cannot be released.
    func unload(_ indices: [UInt64]) throws
}
