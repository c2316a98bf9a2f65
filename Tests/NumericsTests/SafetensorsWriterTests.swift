import FoundationEssentials
import Testing

@testable import Numerics

@Suite struct SafetensorsWriterTests {
    @Test func readsBack() throws {
        try Fixture.withTemporaryFolder { folder in
            let path = folder + "/out.safetensors"
            let original = try SafetensorsFile(path: Fixture.path("types.safetensors"))
            let writer = try SafetensorsWriter(
                path: path,
                tensors: original.tensors.map { .init(name: $0.name, type: $0.type, shape: $0.shape) },
                metadata: original.metadata
            )
            for tensor in original.tensors {
                let half = tensor.bytes.count / 2
                try writer.append(UnsafeRawBufferPointer(rebasing: tensor.bytes[..<half]), to: tensor.name)
                try writer.append(UnsafeRawBufferPointer(rebasing: tensor.bytes[half...]), to: tensor.name)
            }
            #expect(!FileManager.default.fileExists(atPath: path))
            try writer.finish()
            let copy = try SafetensorsFile(path: path)
            #expect(copy.metadata == original.metadata)
            #expect(copy.tensors.map(\.name) == original.tensors.map(\.name))
            for (left, right) in zip(copy.tensors, original.tensors) {
                #expect(left.type == right.type && left.shape == right.shape)
                #expect(left.bytes.elementsEqual(right.bytes))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["out.safetensors"])
        }
    }

    @Test func incompleteFilesDoNotAppear() throws {
        try Fixture.withTemporaryFolder { folder in
            do {
                let writer = try SafetensorsWriter(
                    path: folder + "/out.safetensors",
                    tensors: [.init(name: "a", type: .u8, shape: [2]), .init(name: "b", type: .u8, shape: [1])]
                )
                func message(_ body: () throws -> Void) -> String? {
                    #expect(throws: SafetensorsError.self, performing: body)?.reason
                }
                #expect(message { try writer.append([1], to: "b") } == "cannot be written now: it is a's turn")
                #expect(message { try writer.append([1, 2, 3], to: "a") } == "got 3 bytes where 2 were left")
                try writer.append([1], to: "a")
                #expect(message { try writer.finish() } == "is incomplete: 1 of 2 bytes")
                try writer.append([1], to: "a")
                try writer.append([1], to: "b")
                #expect(
                    message { try writer.append([1], to: "b") } == "cannot be written now: all tensors are complete"
                )
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
        func message(_ tensors: [SafetensorsWriter.Tensor], path: String = "/nonexistent/f") -> String? {
            #expect(throws: SafetensorsError.self) { try SafetensorsWriter(path: path, tensors: tensors) }?.description
        }
        #expect(message([]) == "/nonexistent/f.partial: cannot be created: No such file or directory")
        let tensor = SafetensorsWriter.Tensor(name: "a", type: .u8, shape: [1])
        #expect(message([tensor, tensor]) == "/nonexistent/f: tensor a: the name is taken")
        #expect(
            message([.init(name: "a", type: .u8, shape: [-1])])
                == "/nonexistent/f: tensor a: U8 of shape [-1] has no size in bytes"
        )
    }
}
