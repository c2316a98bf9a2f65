internal import JSON

/// What a safetensors file says about its tensors, checked against the size of the file.
///
/// The format (https://github.com/huggingface/safetensors, README): 8 bytes little-endian length of the header, the header
/// as a JSON object, then the tensors. The ranges of the tensors have neither gaps nor overlaps and end with the file.
struct SafetensorsHeader {
    struct Entry {
        let name: String
        let type: ElementType
        let shape: [Int]
        /// The bytes in the file.
        let range: Range<Int>
    }

    /// The reference implementation refuses longer headers, too.
    static let largestHeader = 100_000_000

    private(set) var entries: [Entry] = []
    private(set) var metadata: [String: String] = [:]

    /// Reads the header of a complete file; entries come in the order of their data.
    init(parsing bytes: UnsafeRawBufferPointer, file: String) throws(SafetensorsError) {
        guard bytes.count >= 8 else {
            throw SafetensorsError(
                file: file,
                reason: "has \(bytes.count) bytes, but a safetensors file starts with 8 bytes of header length"
            )
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= Self.largestHeader else {
            throw SafetensorsError(
                file: file,
                reason:
                    "states a header of \(length) bytes, the limit is \(Self.largestHeader): this is no safetensors file"
            )
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= bytes.count else {
            throw SafetensorsError(
                file: file,
                reason: "states a header of \(length) bytes but has only \(bytes.count): the file is cut short"
            )
        }
        let header = try Self.parse(UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), file: file)
        for (name, description) in header {
            if name == "__metadata__" {
                try readMetadata(description, file: file)
            } else {
                entries.append(
                    try Self.entry(name, description, dataStart: dataStart, fileSize: bytes.count, file: file)
                )
            }
        }
        try checkCoverage(dataStart: dataStart, fileSize: bytes.count, file: file)
    }

    private static func parse(_ text: UnsafeRawBufferPointer, file: String) throws(SafetensorsError) -> JSONObject {
        guard text.first == UInt8(ascii: "{") else {
            throw SafetensorsError(
                file: file,
                reason: "the header does not start with '{': this is no safetensors file"
            )
        }
        do throws(JSONError) {
            return try JSONField(JSON(parsing: text, source: "header"), at: "header").object()
        } catch {
            throw SafetensorsError(file: file, reason: error.description)
        }
    }

    private mutating func readMetadata(_ value: JSON, file: String) throws(SafetensorsError) {
        // The reference implementation takes null for none.
        if value == .null { return }
        do throws(JSONError) {
            for (key, field) in try JSONField(value, at: "__metadata__").members() {
                metadata[key] = try field.string()
            }
        } catch {
            throw SafetensorsError(file: file, reason: error.description)
        }
    }

    private static func entry(
        _ name: String,
        _ value: JSON,
        dataStart: Int,
        fileSize: Int,
        file: String
    ) throws(SafetensorsError) -> Entry {
        func fault(_ reason: String) -> SafetensorsError { SafetensorsError(file: file, tensor: name, reason: reason) }

        let typeName: String
        var shape: [Int] = []
        let begin: Int
        let end: Int
        do throws(JSONError) {
            let field = JSONField(value, at: "header")
            typeName = try field["dtype"].string()
            for extent in try field["shape"].array() { shape.append(try extent.int(in: 0...)) }
            let offsets = try field["data_offsets"].array(count: 2)
            begin = try offsets[0].int(in: 0...)
            end = try offsets[1].int(in: 0...)
        } catch {
            throw fault(error.path.isEmpty ? error.reason : "\(error.path): \(error.reason)")
        }
        guard let type = ElementType(rawValue: typeName) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw fault("dtype \(JSON.string(typeName)) is unknown; known are \(known)")
        }
        guard let size = type.byteCount(shape: shape) else {
            throw fault("\(type) of shape \(shape) has no size in bytes that a file could hold")
        }
        guard begin <= end, end - begin == size else {
            throw fault("data_offsets [\(begin), \(end)] do not hold the \(size) bytes of \(type) with shape \(shape)")
        }
        let available = fileSize - dataStart
        guard end <= available else {
            throw fault(
                "data_offsets end at \(end), but the file holds only \(available) bytes of data: it is cut short"
            )
        }
        return Entry(name: name, type: type, shape: shape, range: dataStart + begin..<dataStart + end)
    }

    private mutating func checkCoverage(dataStart: Int, fileSize: Int, file: String) throws(SafetensorsError) {
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var covered = dataStart
        var previous = ""
        for entry in entries {
            let start = entry.range.lowerBound
            if start < covered {
                throw SafetensorsError(
                    file: file,
                    tensor: entry.name,
                    reason: "its data starts \(covered - start) bytes before that of \(previous) ends"
                )
            }
            if start > covered {
                throw SafetensorsError(
                    file: file,
                    tensor: entry.name,
                    reason: "the \(start - covered) bytes before its data belong to no tensor; the format forbids gaps"
                )
            }
            covered = entry.range.upperBound
            previous = entry.name
        }
        guard covered == fileSize else {
            throw SafetensorsError(
                file: file,
                reason: "the last \(fileSize - covered) bytes belong to no tensor; the format forbids gaps"
            )
        }
    }
}
