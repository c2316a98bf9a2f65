import CPluginAPI
import PluginAPI

/// A launch of `unit_rows` with what comes out, computed in double precision.
final class VectorExample {
    private let x: UnsafeMutablePointer<Float>
    private let y: UnsafeMutablePointer<Float>
    private let expected: UnsafeMutablePointer<Double>
    private let columns: UnsafeMutablePointer<Int32>
    let arguments: UnsafeBufferPointer<mlp_kernel_arg>

    init(rows: Int, columns: Int) {
        let count = rows * columns
        x = .allocate(capacity: count)
        y = .allocate(capacity: count)
        expected = .allocate(capacity: count)
        self.columns = .allocate(capacity: 1)
        y.initialize(repeating: .nan, count: count)
        self.columns.initialize(to: Int32(columns))
        for row in 0..<rows {
            // Row 1 is all zeros.
            let values = (0..<columns).map { row == 1 ? 0 : Double(($0 * 37 + row) % 29) - 14.5 }
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<columns {
                (x + row * columns + column).initialize(to: Float(values[column]))
                (expected + row * columns + column).initialize(to: length > 0 ? values[column] / length : 0)
            }
        }
        let bytes = UInt64(count * MemoryLayout<Float>.size)
        let list = UnsafeMutableBufferPointer<mlp_kernel_arg>.allocate(capacity: 3)
        list.initialize(repeating: mlp_kernel_arg())
        list[0].data = UnsafeRawPointer(y)
        list[0].size = bytes
        list[0].flags = UInt32(MLP_ARG_OUTPUT)
        list[0].dtype = Int32(MLP_F32)
        list[0].expected = UnsafePointer(expected)
        // A float32 sum of n squares in any order is off by less than n * 2^-24 of itself.
        list[0].relative_tolerance = Double(columns + 4) * 0x1p-24
        list[1].data = UnsafeRawPointer(x)
        list[1].size = bytes
        list[2].data = UnsafeRawPointer(self.columns)
        list[2].size = 4
        arguments = UnsafeBufferPointer(list)
    }

    deinit {
        x.deallocate()
        y.deallocate()
        expected.deallocate()
        columns.deallocate()
        arguments.deallocate()
    }
}
