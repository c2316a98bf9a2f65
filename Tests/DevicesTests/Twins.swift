import CPluginAPI

/// Kernel twins and the table that declares them, as a plugin would.
enum Twins {
    typealias Range = (first: UInt64, last: UInt64)

    /// out[b] = a pattern of b, for each block.
    private static let pattern:
        @convention(c) (UnsafePointer<mlp_grid>?, UInt64, UInt64, UnsafeMutablePointer<UInt64>?, Int64) -> Void = {
            _,
            first,
            last,
            out,
            factor in
            for block in first..<last { out?[Int(block)] &+= block &* UInt64(bitPattern: factor) &+ 1 }
        }

    /// Writes each argument's value to its place, to show that every letter arrives.
    private static let letters:
        @convention(c) (
            UnsafePointer<mlp_grid>?, UInt64, UInt64, UnsafeMutablePointer<Double>?, Int32, Int64, Float, Double, Int32,
            Float, Int64, Double, UnsafePointer<Double>?
        ) -> Void = { grid, first, last, out, a, b, c, d, e, f, g, h, i in
            guard let out, let grid, let i else { return }
            for block in Int(first)..<Int(last) {
                let row = out + block * 10
                row[0] = Double(a)
                row[1] = Double(b)
                row[2] = Double(c)
                row[3] = d
                row[4] = Double(e)
                row[5] = Double(f)
                row[6] = Double(g)
                row[7] = h
                row[8] = i.pointee
                row[9] = Double(grid.pointee.shared_bytes)
            }
        }

    /// y[b] = the dot product of row b of a matrix with x, in a fixed order.
    private static let matvec:
        @convention(c) (
            UnsafePointer<mlp_grid>?, UInt64, UInt64, UnsafePointer<Float>?, UnsafePointer<Float>?,
            UnsafeMutablePointer<Float>?, Int32
        ) -> Void = { _, first, last, matrix, x, y, columns in
            guard let matrix, let x, let y else { return }
            for block in Int(first)..<Int(last) {
                var sum: Float = 0
                for column in 0..<Int(columns) { sum += matrix[block * Int(columns) + column] * x[column] }
                y[block] = sum
            }
        }

    /// *p = *p * 3 + 1, in one block: the order of steps shows in the result.
    private static let step:
        @convention(c) (UnsafePointer<mlp_grid>?, UInt64, UInt64, UnsafeMutablePointer<UInt64>?)
            -> Void = { _, first, last, value in
                guard let value else { return }
                for _ in first..<last { value.pointee = value.pointee &* 3 &+ 1 }
            }

    /// out[b] = the shared memory that the grid asks for.
    private static let shared:
        @convention(c) (UnsafePointer<mlp_grid>?, UInt64, UInt64, UnsafeMutablePointer<UInt64>?)
            -> Void = { grid, first, last, out in
                guard let grid else { return }
                for block in first..<last { out?[Int(block)] = UInt64(grid.pointee.shared_bytes) }
            }

    private static let empty: @convention(c) (UnsafePointer<mlp_grid>?, UInt64, UInt64) -> Void = { _, _, _ in }

    static let patternIndex: UInt32 = 0
    static let lettersIndex: UInt32 = 1
    static let matvecIndex: UInt32 = 2
    static let stepIndex: UInt32 = 3
    static let emptyIndex: UInt32 = 4
    static let twinlessIndex: UInt32 = 5
    static let sharedIndex: UInt32 = 6

    static func twin<Function>(_ function: Function) -> (@convention(c) () -> Void)? {
        unsafeBitCast(function, to: (@convention(c) () -> Void).self)
    }

    static let declared: [(String, String, (@convention(c) () -> Void)?)] = [
        ("pattern", "pl", twin(pattern)), ("letters", "pilfdifldp", twin(letters)), ("matvec", "pppi", twin(matvec)),
        ("step", "p", twin(step)), ("empty", "", twin(empty)), ("gpu_only", "p", nil), ("shared", "p", twin(shared)),
    ]

    /// The table; its strings are never freed.
    nonisolated(unsafe) static let table: UnsafePointer<mlp_kernels> = makeTable(declared)

    static func makeTable(
        _ kernels: [(String?, String?, (@convention(c) () -> Void)?)],
        family: UInt32 = 0
    ) -> UnsafePointer<mlp_kernels> {
        let array = UnsafeMutablePointer<mlp_kernel>.allocate(capacity: max(kernels.count, 1))
        for (index, kernel) in kernels.enumerated() {
            (array + index).initialize(
                to: mlp_kernel(
                    name: copy(kernel.0),
                    signature: copy(kernel.1),
                    twin: kernel.2,
                    family: family,
                    reserved: 0
                )
            )
        }
        let families = UnsafeMutablePointer<mlp_kernel_family>.allocate(capacity: 1)
        families.initialize(
            to: mlp_kernel_family(
                name: copy("test"),
                source: mlp_bytes(data: nil, size: 0),
                code_objects: nil,
                code_object_count: 0,
                reserved: 0
            )
        )
        let table = UnsafeMutablePointer<mlp_kernels>.allocate(capacity: 1)
        table.initialize(
            to: mlp_kernels(
                struct_size: UInt32(MemoryLayout<mlp_kernels>.size),
                kernel_count: UInt32(kernels.count),
                kernels: array,
                families: families,
                family_count: 1,
                reserved: 0,
                example: nil,
                benchmark: nil
            )
        )
        return UnsafePointer(table)
    }

    static func copy(_ text: String?) -> UnsafePointer<CChar>? {
        guard let bytes = text?.utf8CString else { return nil }
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { copy[index] = byte }
        return UnsafePointer(copy)
    }
}
