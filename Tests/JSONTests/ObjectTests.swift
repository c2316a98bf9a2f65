import Testing

@testable import JSON

@Suite struct ObjectTests {
    @Test func orderIsThatOfTheText() throws {
        guard case .object(let object) = try JSON(parsing: #"{"z": 1, "a": 2, "m": 3}"#) else {
            Issue.record("no object")
            return
        }
        #expect(object.keys == ["z", "a", "m"])
        #expect(object.map(\.0) == ["z", "a", "m"])
    }

    @Test func updatesAcrossTheSizeWhereTheIndexStarts() {
        var object = JSONObject()
        for round in 0..<3 {
            for key in 0..<500 {
                object.updateValue(JSON(key * 10 + round), forKey: "key \(key)")
                #expect(object["key \(key)"] == JSON(key * 10 + round))
                #expect(object["key \(key + 500)"] == nil)
            }
        }
        #expect(object.count == 500)
        #expect(object.keys.first == "key 0")
        #expect(object.keys.last == "key 499")
    }

    @Test func equalityIgnoresOrder() {
        let left: JSON = ["a": 1, "b": [2.5, "x"]]
        #expect(left == ["b": [2.5, "x"], "a": 1])
        #expect(left != ["a": 1, "b": [2.5, "y"]])
        #expect(left != ["a": 1])
        #expect(left != ["a": 1, "c": [2.5, "x"]])
    }
}
