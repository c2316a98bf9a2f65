// Encodes and decodes a corpus as often as compare.py asks, in turn with the other libraries.
//
//     TokenizerBenchmark VOCABULARY CORPUS        VOCABULARY: a tokenizer.model or a tokenizer.json
//
// Reads one command a line and answers each with one line: `load` and `encode` and `decode` with seconds and a count
// (ids; bytes), `whole` like `encode` for the documents joined to one text, `write PATH` after writing the ids (uint32)
// of each document behind their number, `text PATH` after writing what they decode to.

import Glibc
import Tokenizers

func fail(_ message: String) -> Never {
    let line = Array("TokenizerBenchmark: \(message)\n".utf8)
    _ = Glibc.write(STDERR_FILENO, line, line.count)
    exit(1)
}

func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { fail("cannot open \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
}

func write(_ bytes: UnsafeRawBufferPointer, to file: UnsafeMutablePointer<FILE>) {
    if fwrite(bytes.baseAddress, 1, bytes.count, file) != bytes.count { fail("cannot write") }
}

/// The documents of a corpus file: their number, their lengths, their bytes.
func documents(_ path: String) -> [[UInt8]] {
    let bytes = read(path)
    func word(_ index: Int) -> Int {
        guard 4 * index + 4 <= bytes.count else { fail("\(path) is cut short") }
        return (0..<4).reduce(0) { $0 | Int(bytes[4 * index + $1]) << (8 * $1) }
    }
    let count = word(0)
    var start = 4 + 4 * count
    return (0..<count).map { index in
        let end = start + word(1 + index)
        guard end <= bytes.count else { fail("\(path) is cut short") }
        defer { start = end }
        return Array(bytes[start..<end])
    }
}

func load(_ path: String) throws -> any Tokenizer {
    if path.hasSuffix(".model") { return try SentencePieceTokenizer(path: path) }
    return try BytePairTokenizer(path: path)
}

/// Processor time: other work on the machine does not count.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
    let start = now()
    try body()
    return now() - start
}

guard CommandLine.arguments.count == 3 else { fail("give a vocabulary and a corpus") }
let path = CommandLine.arguments[1]
let texts = documents(CommandLine.arguments[2])
var tokenizer = try load(path)
let whole = texts.flatMap { $0 }
let ids = try texts.map { try tokenizer.encode($0, addSpecialTokens: false) }

while let line = readLine() {
    let words = line.split(separator: " ", maxSplits: 1).map { String($0) }
    var count = 0
    switch words.first {
    case "load":
        print(try seconds { tokenizer = try load(path) }, tokenizer.vocabularySize)
    case "encode":
        let time = try seconds {
            for text in texts { count += try tokenizer.encode(text, addSpecialTokens: false).count }
        }
        print(time, count)
    case "whole":
        print(try seconds { count = try tokenizer.encode(whole, addSpecialTokens: false).count }, count)
    case "decode":
        let time = try seconds {
            for ids in ids { count += try tokenizer.decode(ids, skipSpecialTokens: false).count }
        }
        print(time, count)
    case "write", "text":
        guard words.count == 2, let file = fopen(words[1], "wb") else { fail("cannot write: \(line)") }
        for ids in ids {
            let content =
                words[0] == "write" ? ids : try tokenizer.decode(ids, skipSpecialTokens: false).map(UInt32.init)
            withUnsafeBytes(of: UInt32(content.count)) { write($0, to: file) }
            content.withUnsafeBytes { write($0, to: file) }
        }
        if fclose(file) != 0 { fail("cannot write: \(line)") }
        print("written")
    default:
        fail("unknown command '\(line)'")
    }
    fflush(nil)
}
