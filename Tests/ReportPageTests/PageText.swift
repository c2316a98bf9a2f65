/// Reads a page as a program would: tags in balance, numbers behind the texts.
struct PageText {
    /// What keeps the page from being well-formed; nil where it is.
    static func fault(of page: String) -> String? {
        var rest = page[...]
        guard rest.hasPrefix("<!DOCTYPE html>\n") else { return "no document type" }
        rest = rest.dropFirst(16)
        var open: [String] = []
        while let start = rest.firstIndex(of: "<") {
            if let fault = entityFault(rest[..<start]) { return fault }
            rest = rest[start...]
            guard let end = rest.firstIndex(of: ">") else { return "a tag is never closed: \(rest.prefix(60))" }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("/") {
                guard let last = open.popLast(), last == tag.dropFirst() else {
                    return "\(tag) closes what is not open"
                }
                continue
            }
            let name = String(tag.prefix { $0.isLetter || $0.isNumber })
            guard !name.isEmpty else { return "no name: <\(tag.prefix(60))>" }
            if let fault = attributeFault(tag.dropFirst(name.count)) { return "\(name): \(fault)" }
            if tag.hasSuffix("/") { continue }
            open.append(name)
            if name == "script" {
                guard let close = rest.range(of: "/*]]>*/</script>"), rest.hasPrefix("/*<![CDATA[*/") else {
                    return "the script is not wrapped"
                }
                rest = rest[close.upperBound...]
                open.removeLast()
            }
        }
        return open.isEmpty ? nil : "never closed: \(open)"
    }

    private static func attributeFault(_ text: Substring) -> String? {
        var rest = text
        while true {
            rest = rest.drop { $0.isWhitespace }
            if rest.isEmpty || rest == "/" { return nil }
            let name = rest.prefix { $0.isLetter || $0 == "-" }
            rest = rest.dropFirst(name.count)
            guard !name.isEmpty, rest.hasPrefix("=\"") else { return "attribute \(rest.prefix(40))" }
            rest = rest.dropFirst(2)
            guard let end = rest.firstIndex(of: "\"") else { return "attribute \(name) is never closed" }
            if let fault = entityFault(rest[..<end]) { return fault }
            rest = rest[rest.index(after: end)...]
        }
    }

    private static func entityFault(_ text: Substring) -> String? {
        for part in text.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
            guard ["amp;", "lt;", "gt;", "quot;", "#39;"].contains(where: part.hasPrefix) else {
                return "entity &\(part.prefix(12))"
            }
        }
        return nil
    }

    /// The exact numbers in a row of the table of percentiles: least, mean, the percentiles, greatest.
    static func percentiles(_ kind: String, in page: String) -> [Int64] {
        guard let start = page.range(of: "<tr data-kind=\"\(kind)\">") else { return [] }
        let row = page[start.upperBound...].prefix { $0 != "\n" }
        guard let end = row.range(of: "</tr>") else { return [] }
        return values(in: row[..<end.lowerBound])
    }

    /// The number of a tile.
    static func metric(_ id: String, in page: String) -> Double? {
        guard let start = page.range(of: "data-metric=\"\(id)\">"),
            let value = page[start.upperBound...].range(of: "<data value=\"")
        else { return nil }
        return Double(page[value.upperBound...].prefix { $0 != "\"" })
    }

    private static func values(in text: Substring) -> [Int64] {
        var rest = text
        var values: [Int64] = []
        while let range = rest.range(of: "<data value=\"") {
            rest = rest[range.upperBound...]
            if let value = Int64(rest.prefix { $0 != "\"" }) { values.append(value) }
        }
        return values
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Where a text first occurs, without Foundation.
    func range(of text: String) -> Range<Index>? {
        let wanted = Array(text.utf8)
        let bytes = Array(utf8)
        guard let first = wanted.first, bytes.count >= wanted.count else { return nil }
        for start in 0...(bytes.count - wanted.count)
        where bytes[start] == first && bytes[start..<start + wanted.count].elementsEqual(wanted) {
            let lower = utf8.index(utf8.startIndex, offsetBy: start)
            return lower..<utf8.index(lower, offsetBy: wanted.count)
        }
        return nil
    }
}
