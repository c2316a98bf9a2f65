import Testing

@testable import JSON

@Suite struct FieldTests {
    private let config = JSONField(
        [
            "hidden_size": "abc", "width": 4096, "theta": 10000, "rope_scaling": nil, "layers": [["type": "full"], 3],
            "seed": .unsigned(18_446_744_073_709_551_557), "tie": false, "scale": 0.5,
        ],
        at: "config.json"
    )

    private func message<T>(_ body: () throws -> T) -> String {
        do {
            return "no error: \(try body())"
        } catch {
            return "\(error)"
        }
    }

    @Test func valuesOfTheRightType() throws {
        #expect(try config["width"].int(in: 1...65536) == 4096)
        #expect(try config["width"].int(in: 1...) == 4096)
        #expect(try config["theta"].double() == 10000)
        #expect(try config["scale"].double(in: 0...1) == 0.5)
        #expect(try config["tie"].bool() == false)
        #expect(try config["seed"].uint64() == 18_446_744_073_709_551_557)
        #expect(try config["layers"][0]["type"].string(oneOf: ["full", "sliding"]) == "full")
        #expect(try config["rope_scaling"].optional == nil)
        #expect(try config["rope_scaling"].optional?["factor"].double() == nil)
        #expect(try config["absent"].optional == nil)
        #expect(try config["layers"].array(count: 2)[1].int() == 3)
        #expect(try config["layers"][0].members().map(\.key) == ["type"])
    }

    @Test func errorsNameFileFieldAndValue() {
        #expect(
            message { try config["hidden_size"].int(in: 1...65536) }
                == #"config.json: hidden_size: expected an integer from 1 to 65536, found "abc""#
        )
        #expect(
            message { try config["width"].int(in: 1...64) }
                == "config.json: width: expected an integer from 1 to 64, found 4096"
        )
        #expect(
            message { try config["width"].int(in: 5000...) }
                == "config.json: width: expected an integer of at least 5000, found 4096"
        )
        #expect(message { try config["scale"].int() } == "config.json: scale: expected an integer, found 0.5")
        #expect(message { try config["absent"].int() } == "config.json: absent: missing")
        #expect(message { try config["absent"]["x"].optional } == "config.json: absent: missing")
        #expect(
            message { try config["rope_scaling"]["factor"].double() }
                == "config.json: rope_scaling: expected an object, found null"
        )
        #expect(
            message { try config["layers"][1]["type"].string() }
                == "config.json: layers[1]: expected an object, found 3"
        )
        #expect(
            message { try config["layers"][0]["type"].bool() }
                == "config.json: layers[0].type: expected true or false, found \"full\""
        )
        #expect(message { try config["layers"][7].int() } == "config.json: layers[7]: missing")
        #expect(
            message { try config["layers"].string() } == "config.json: layers: expected a string, found an array of 2"
        )
        #expect(
            message { try config["layers"].array(count: 3) }
                == "config.json: layers: expected an array of 3, found an array of 2"
        )
        #expect(
            message { try config["layers"][0]["type"].string(oneOf: ["a", "b"]) }
                == "config.json: layers[0].type: expected one of \"a\", \"b\", found \"full\""
        )
        #expect(
            message { try config["scale"].double(in: 1...2) }
                == "config.json: scale: expected a number from 1.0 to 2.0, found 0.5"
        )
    }
}
