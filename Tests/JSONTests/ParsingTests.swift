import Testing

@testable import JSON

@Suite struct ParsingTests {
    private func message(_ text: String) -> String {
        do {
            return "accepted: \(try JSON(parsing: text, source: "f.json"))"
        } catch {
            return error.description
        }
    }

    @Test func sixtyFourBitIntegersAreExact() throws {
        #expect(try JSON(parsing: "9007199254740993") == .integer(9_007_199_254_740_993))
        #expect(try JSON(parsing: "-9223372036854775808") == .integer(.min))
        #expect(try JSON(parsing: "9223372036854775807") == .integer(.max))
        #expect(try JSON(parsing: "9223372036854775808") == .unsigned(1 << 63))
        #expect(try JSON(parsing: "18446744073709551615") == .unsigned(.max))
        #expect(JSON(UInt64.max).text() == "18446744073709551615")
        #expect(JSON(UInt64(5)) == .integer(5))
    }

    @Test func integersBeyondSixtyFourBitsBecomeNumbers() throws {
        let value = try JSON(parsing: #"{"a": 1000000000000000019884624838656, "b": -9223372036854775808, "c": 3}"#)
        #expect(value == ["a": .number(1e30), "b": .integer(.min), "c": 3])
    }

    @Test func errorsSayWhere() {
        #expect(message("{\n  \"a\": tru\n}") == "f.json: line 2, column 8 (byte 9): expected true")
        #expect(message("[1, 2") == "f.json: line 1, column 6 (byte 5): the text ends before the value is complete")
        #expect(message("[1] x") == "f.json: line 1, column 5 (byte 4): expected a JSON value, found 'x'")
        #expect(message("[1] 2") == "f.json: line 1, column 5 (byte 4): expected the end of the text after the value")
        #expect(message("") == "f.json: line 1, column 1 (byte 0): the text is empty")
        #expect(message("  ") == "f.json: line 1, column 3 (byte 2): the text ends before the value is complete")
        #expect(
            message("\"a\u{1}\"")
                == "f.json: line 1, column 3 (byte 2): a string may hold the byte 0x01 only as an escape"
        )
        #expect(message("[1 2]") == "f.json: line 1, column 4 (byte 3): expected ',' or ']' after the value")
        #expect(message("{\"a\" 1}") == "f.json: line 1, column 6 (byte 5): expected ':' after the key")
        #expect(message("[1,]") == "f.json: line 1, column 4 (byte 3): expected a value after ','")
        #expect(
            message("[1e999]") == "f.json: line 1, column 2 (byte 1): the number is too large for 64-bit floating point"
        )
        #expect(
            message(#"{"a": {"k": 1}, "b": {"k": 1, "\u006b": 2}}"#)
                == "f.json: line 1, column 31 (byte 30): the object already has a member \"k\""
        )
    }

    @Test func invalidUTF8IsRefusedWithItsOffset() {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0x61, 0xFF, 0x22], source: "f.json") }
        #expect(error?.description == "f.json: line 1, column 3 (byte 2): not valid UTF-8")
    }

    @Test func nestingIsLimited() throws {
        let deep = JSON.maximumDepth - 1
        _ = try JSON(parsing: String(repeating: "[", count: deep) + String(repeating: "]", count: deep))
        let tooDeep = 100_000
        let error = #expect(throws: JSONError.self) {
            try JSON(parsing: String(repeating: "[", count: tooDeep) + String(repeating: "]", count: tooDeep))
        }
        #expect(error?.reason == "values are nested deeper than 256")
    }

    @Test func canonicallyEquivalentKeysAreDifferent() throws {
        let value = try JSON(parsing: "{\"\u{E9}\": 1, \"e\u{301}\": 2}")
        #expect(value["\u{E9}"] == 1)
        #expect(value["e\u{301}"] == 2)
        #expect(JSON.string("\u{E9}") != JSON.string("e\u{301}"))
    }

    @Test func textReadsBack() throws {
        let value: JSON = [
            "text": "a\"\\\n\r\t\u{1}\u{7F}\u{1F600}",
            "numbers": [1, -2, 2.0, 0.1, 1e300, .number(5e-324), .unsigned(.max)],
            "nested": ["empty": [], "none": nil, "object": [:], "flag": true],
        ]
        #expect(try JSON(parsing: value.text()) == value)
        #expect(try JSON(parsing: value.text(pretty: true)) == value)
        let pretty: JSON = ["a": [1, [:]], "b": []]
        #expect(pretty.text(pretty: true) == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")
        #expect(JSON.number(.infinity).text() == "null")
    }

    @Test func numbersKeepTheirBits() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let number = Double(bitPattern: generator.next())
            guard number.isFinite else { continue }
            let text = JSON.number(number).text()
            guard case .number(let back) = try JSON(parsing: text) else {
                Issue.record("\(text) did not read back as a number")
                continue
            }
            #expect(back.bitPattern == number.bitPattern, "\(text)")
        }
    }
}
