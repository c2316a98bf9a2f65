/// A tree that is to be written: files by their paths, each a copy or a content.
struct PlannedTree {
    enum Content {
        /// The copy of a file.
        case copy(of: String)
        /// A text.
        case bytes([UInt8])
    }

    /// Paths below the output folder, in the order in which they were planned.
    private(set) var files: [(path: String, content: Content)] = []

    mutating func copy(_ source: String, to path: String) { files.append((path, .copy(of: source))) }
    mutating func write(_ text: String, to path: String) { files.append((path, .bytes(Array(text.utf8)))) }
    mutating func write(_ bytes: [UInt8], to path: String) { files.append((path, .bytes(bytes))) }

    /// The paths, sorted, one in each line.
    var listing: String { files.map(\.path).sorted().map { $0 + "\n" }.joined() }
}
