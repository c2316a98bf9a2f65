@testable import Core
import JSON
import Testing

/// Random numbers against libstdc++'s own, number by number.
@Suite struct RandomNumberTests {
    @Test func everyRecordedSequenceIsReproduced() throws {
        for record in try Golden.cases("rng.json") ?? [] {
            let seed = try record["seed"].uint64()
            try Golden.run("rng/seed_\(seed)") {
                for (key, field) in try record.members() where key != "seed" {
                    try check(key, field, seed: seed, record: record)
                }
            }
        }
    }

    private func check(_ key: String, _ field: JSONField, seed: UInt64, record: JSONField) throws {
        var random = MersenneTwister(seed: seed)
        let parts = key.split(separator: "_", maxSplits: 1).map(String.init)
        switch parts[0] {
        case "mt":
            let expected = try field.array().map { try $0.uint64() }
            #expect(expected.map { _ in UInt64(random.draw()) } == expected, "seed \(seed) \(key)")
        case "uniform" where !key.hasSuffix("_next"):
            let range = try #require(UInt32(parts[1]))
            let expected = try field.array().map { try $0.uint64() }
            #expect(expected.map { _ in UInt64(random.uniform(through: range - 1)) } == expected, "seed \(seed) \(key)")
            #expect(
                UInt64(random.draw()) == (try record["\(key)_next"].uint64()),
                "seed \(seed) \(key), the next output"
            )
        case "uniform":
            break
        case "shuffle":
            let count = try #require(UInt64(parts[1]))
            var order = Array(0..<count)
            random.shuffle(&order)
            #expect(try Golden.difference(order, "order", in: field) == nil, "seed \(seed) \(key)")
            #expect(UInt64(random.draw()) == (try field["next"].uint64()), "seed \(seed) \(key), the next output")
        case "canonical":
            let expected = try field.array().map { try $0.double() }
            #expect(expected.map { _ in random.canonical() } == expected, "seed \(seed) \(key)")
        case "exponential":
            let rate = try #require(Double(parts[1]))
            let expected = try field.array().map { try $0.double() }
            #expect(expected.map { _ in random.exponential(rate: rate) } == expected, "seed \(seed) \(key)")
        case "deltas":
            let rate = try #require(Double(parts[1].dropFirst("ns_".count)))
            let expected = try field.array().map { try $0.uint64() }
            #expect(
                expected.map { _ in UInt64(random.exponential(rate: rate) * 1e9) } == expected,
                "seed \(seed) \(key)"
            )
        default:
            Issue.record("rng.json has a field \(key) that this test does not know")
        }
    }
}
