import Testing

@testable import Metrics

/// The bit-parallel subsequence against the table of dynamic programming, written out plainly.
@Suite struct CommonSubsequenceTests {
    /// What rouge_score does: the whole table, and its walk back.
    private func walk(_ reference: [Int32], _ prediction: [Int32]) -> (length: Int, marks: [Bool]) {
        var table = [[Int]](repeating: [Int](repeating: 0, count: prediction.count + 1), count: reference.count + 1)
        for i in 0..<reference.count {
            for j in 0..<prediction.count {
                table[i + 1][j + 1] =
                    reference[i] == prediction[j] ? table[i][j] + 1 : max(table[i][j + 1], table[i + 1][j])
            }
        }
        var marks = [Bool](repeating: false, count: reference.count)
        var (i, j) = (reference.count, prediction.count)
        while i > 0 && j > 0 {
            if reference[i - 1] == prediction[j - 1] {
                marks[i - 1] = true
                i -= 1
                j -= 1
            } else if table[i][j - 1] > table[i - 1][j] {
                j -= 1
            } else {
                i -= 1
            }
        }
        return (table[reference.count][prediction.count], marks)
    }

    @Test func randomLists() {
        var generator = SystemRandomNumberGenerator()
        var subsequence = CommonSubsequence()
        for round in 0..<600 {
            let alphabet = Int32([1, 2, 5, 40, 400][round % 5])
            func list(_ most: Int, from least: Int32) -> [Int32] {
                (0..<Int.random(in: 0...most, using: &generator)).map { _ in
                    Int32.random(in: least..<alphabet, using: &generator)
                }
            }
            let reference = list([5, 70, 300][round % 3], from: 0)
            let prediction = list([5, 70, 300][round / 3 % 3], from: -1)
            let expected = walk(reference, prediction)
            subsequence.prepare(reference: reference[...], tokenCount: Int(alphabet))
            #expect(subsequence.length(prediction[...]) == expected.length, "\(reference) \(prediction)")
            var marks = [Bool](repeating: false, count: reference.count)
            subsequence.mark(prediction[...], in: &marks)
            #expect(marks == expected.marks, "\(reference) \(prediction)")
        }
    }
}
