import FoundationEssentials
import Testing

@testable import JSON

/// Every text in `Fixtures/cases.tsv` is accepted or refused as Python's json module does, with the same value.
@Suite struct PythonComparisonTests {
    @Test func verdictsAndValues() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/cases.tsv").path
        let table = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        var accepted = 0
        var refused = 0
        for line in table.split(separator: "\n") {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            try #require(columns.count == 2)
            let text = try #require(bytes(hexadecimal: columns[0]))
            let shown = String(decoding: text, as: UTF8.self)
            let value = try? JSON(parsing: text)
            if columns[1] == "-" {
                #expect(value == nil, "accepted \(shown)")
                refused += 1
            } else {
                let expected = try #require(bytes(hexadecimal: columns[1]))
                #expect(value?.text() == String(decoding: expected, as: UTF8.self), "\(shown)")
                accepted += 1
            }
        }
        #expect(accepted > 250)
        #expect(refused > 500)
        print("json: \(accepted) texts accepted and \(refused) refused as by Python's json")
    }

    private func bytes(hexadecimal text: Substring) -> [UInt8]? {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == text.utf8.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
    }
}
