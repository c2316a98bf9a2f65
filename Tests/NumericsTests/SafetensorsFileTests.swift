import FoundationEssentials
import JSON
import Testing

@testable import Numerics

@Suite struct SafetensorsFileTests {
    /// Files of the safetensors package: every tensor has the name, type, shape and bytes that the package reads.
    @Test func filesOfThePackage() throws {
        var files: [String: SafetensorsFile] = [:]
        var compared = 0
        for line in try Fixture.table("listing.tsv") {
            try #require(line.count == 5)
            let path = String(line[0])
            let file = try files[path] ?? SafetensorsFile(path: Fixture.path(path))
            files[path] = file
            guard case .string(let name) = try JSON(parsing: String(line[1])) else { continue }
            let tensor = try file.tensor(named: name)
            #expect(tensor.type.rawValue == String(line[2]))
            #expect(tensor.shape == line[3].split(separator: ",").compactMap { Int($0) })
            #expect(tensor.withBytes(Fixture.crc32) == UInt32(line[4]), "\(path): \(name)")
            compared += 1
        }
        #expect(files.values.reduce(0) { $0 + $1.tensors.count } == compared)
        #expect(files["types.safetensors"]?.metadata == ["made by": "safetensors 0.8.0", "empty": ""])
    }

    /// Broken files: accepted or refused as by the package.
    ///
    /// One difference is wanted: the package lets the last of two tensors of one name win.
    @Test func verdictsOfThePackage() throws {
        var agreed = 0
        for line in try Fixture.table("verdicts.tsv") {
            try #require(line.count == 3)
            let bytes = stride(from: 0, to: line[0].utf8.count, by: 2).compactMap { place in
                UInt8(line[0].dropFirst(place).prefix(2), radix: 16)
            }
            let accepted = (try? SafetensorsFile(copying: bytes, name: "f")) != nil
            if line[2] == "repeated name" {
                #expect(!accepted)
                continue
            }
            #expect(accepted == (line[1] == "accepted"), "\(line[2])")
            agreed += 1
        }
        print("safetensors: \(agreed) files accepted or refused as by the package")
    }

    private func message(header: String, data: [UInt8] = [], length: UInt64? = nil) -> String {
        do {
            let bytes = Fixture.safetensors(header: header, data: data, length: length)
            return "accepted \(try SafetensorsFile(copying: bytes, name: "f.safetensors").tensors.count)"
        } catch {
            return error.description
        }
    }

    private func message(
        dtype: String = "\"F32\"",
        shape: String = "[2]",
        offsets: String = "[0, 8]",
        bytes: Int = 8
    ) -> String {
        message(
            header: #"{"w": {"dtype": \#(dtype), "shape": \#(shape), "data_offsets": \#(offsets)}}"#,
            data: [UInt8](repeating: 0, count: bytes)
        )
    }

    @Test func errorsNameFileAndTensor() {
        let w = "f.safetensors: tensor w: "
        #expect(message() == "accepted 1")
        #expect(message(dtype: "\"F33\"").hasPrefix(w + "dtype \"F33\" is unknown; known are F64, F32,"))
        #expect(message(dtype: "32") == w + "dtype: expected a string, found 32")
        #expect(message(shape: "[-2]") == w + "shape[0]: expected an integer of at least 0, found -2")
        #expect(message(shape: "[2.5]") == w + "shape[0]: expected an integer of at least 0, found 2.5")
        #expect(message(shape: "[3]") == w + "data_offsets [0, 8] do not hold the 12 bytes of F32 with shape [3]")
        #expect(
            message(shape: "[4194305, 4194305, 211106198978564]")
                == w + "F32 of shape [4194305, 4194305, 211106198978564] has no size in bytes that a file could hold"
        )
        #expect(message(offsets: "[8, 0]") == w + "data_offsets [8, 0] do not hold the 8 bytes of F32 with shape [2]")
        #expect(message(offsets: "[0]") == w + "data_offsets: expected an array of 2, found an array of 1")
        #expect(
            message(bytes: 7) == w + "data_offsets end at 8, but the file holds only 7 bytes of data: it is cut short"
        )
        #expect(message(bytes: 9) == "f.safetensors: the last 1 bytes belong to no tensor; the format forbids gaps")
        #expect(
            message(offsets: "[4, 12]", bytes: 12)
                == w + "the 4 bytes before its data belong to no tensor; the format forbids gaps"
        )
        #expect(
            message(
                header:
                    #"{"v":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#,
                data: [0, 1, 2, 3, 4, 5]
            ) == w + "its data starts 2 bytes before that of v ends"
        )
        #expect(
            message(header: #"{"w": 1, "w": 2}"#)
                == #"f.safetensors: header: line 1, column 10 (byte 9): the object already has a member "w""#
        )
        #expect(
            message(header: "{}", length: 1 << 62)
                == "f.safetensors: states a header of 4611686018427387904 bytes, the limit is 100000000: this is no safetensors file"
        )
        #expect(
            message(header: "{}", length: 100_000_001).contains(
                "states a header of 100000001 bytes, the limit is 100000000"
            )
        )
        #expect(message(header: "{}", length: 100_000_000).contains("the file is cut short"))
        #expect(
            message(header: "{}", length: 3)
                == "f.safetensors: states a header of 3 bytes but has only 10: the file is cut short"
        )
        #expect(
            message(header: "[]") == "f.safetensors: the header does not start with '{': this is no safetensors file"
        )
        #expect(
            message(header: #"{"__metadata__": {"a": 1}}"#)
                == "f.safetensors: __metadata__: a: expected a string, found 1"
        )
        #expect(
            message(
                header:
                    "{\"\u{E9}\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"e\u{301}\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"
            ).hasSuffix("another tensor has an equivalent name")
        )
    }

    @Test func filesThatCannotBeOpened() throws {
        func message(_ path: String) -> String? {
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }?.description
        }
        #expect(message("/nonexistent") == "/nonexistent: cannot be opened: No such file or directory")
        #expect(message("/") == "/: is not a regular file")
        try Fixture.withTemporaryFolder { folder in
            try Fixture.write([], to: folder + "/empty")
            #expect(
                message(folder + "/empty")
                    == "\(folder)/empty: has 0 bytes, but a safetensors file starts with 8 bytes of header length"
            )
        }
    }

    @Test func everyTruncationIsRefused() throws {
        let bytes = try Fixture.bytes("types.safetensors")
        for count in 0..<bytes.count {
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(copying: bytes[..<count], name: "f") }
        }
    }

    @Test func viewsOutliveTheFile() throws {
        var tensor: TensorView?
        do {
            tensor = try SafetensorsFile(path: Fixture.path("conversions.safetensors"))["x"]
        }
        let values = try #require(tensor).floats()
        tensor?.prefetch()
        tensor?.expectSequentialReading()
        tensor?.releasePages()
        let again = try #require(tensor).floats()
        #expect(values.map(\.bitPattern) == again.map(\.bitPattern))
    }

    @Test func integersAreNotFloats() throws {
        let file = try SafetensorsFile(path: Fixture.path("types.safetensors"))
        let error = #expect(throws: SafetensorsError.self) { try file.tensor(named: "i64").floats() }
        #expect(error?.description.hasSuffix("types.safetensors: tensor i64: expected floats, found I64") == true)
        #expect(try file.tensor(named: "scalar").floats() == [1.5])
        #expect(try file.tensor(named: "f4").floats() == [0, 0, 0.5, 0, 1, 0, 1.5, 0, 2, 0, 3, 0])
        let scales = try file.tensor(named: "e8m0").floats()
        #expect(scales[..<4] == [0x1p-127, 0x1p-126, 1, 0x1p127])
        #expect(scales[4].isNaN)
    }
}
