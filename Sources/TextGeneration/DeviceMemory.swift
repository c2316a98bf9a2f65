public import PluginAPI

/// Allocations on one device and in pinned host memory that live and die together.
public final class DeviceMemory: @unchecked Sendable {
    private let devices: Devices
    private let device: UInt32
    private var onDevice: [UnsafeMutableRawPointer] = []
    private var pinned: [UnsafeMutableRawPointer] = []

    /// No memory yet, on a device of the instance's group.
    public init(devices: Devices, device: UInt32) {
        self.devices = devices
        self.device = device
    }

    deinit {
        for memory in onDevice { devices.free(device, memory) }
        for memory in pinned { devices.freePinned(memory) }
    }

    /// Device memory for a number of elements, not initialised.
    ///
    /// - Parameters:
    ///   - type: The element.
    ///   - count: The product of these is the number of elements.
    ///   - purpose: What it is for, for the error.
    /// - Returns: The address, for the device alone.
    /// - Throws: `PluginError` when there is not enough memory, saying for what.
    public func allocate<Element>(
        _ type: Element.Type,
        _ count: Int...,
        purpose: String
    ) throws -> UnsafeMutablePointer<Element> {
        let bytes = try Self.byteCount(type, count, purpose)
        do {
            let memory = try devices.allocate(device, byteCount: bytes)
            onDevice.append(memory)
            return memory.assumingMemoryBound(to: type)
        } catch let error as PluginError {
            throw PluginError(error.status, "\(purpose): no \(bytes) bytes of device memory: \(error.message)")
        }
    }

    /// Pinned host memory for a number of elements, set to zero.
    ///
    /// - Parameters:
    ///   - type: The element, a plain number.
    ///   - count: The product of these is the number of elements.
    ///   - purpose: What it is for, for the error.
    /// - Returns: The address, for host and device.
    /// - Throws: `PluginError` when there is not enough memory, saying for what.
    public func allocatePinned<Element>(
        _ type: Element.Type,
        _ count: Int...,
        purpose: String
    ) throws -> UnsafeMutablePointer<Element> {
        let bytes = try Self.byteCount(type, count, purpose)
        do {
            let memory = try devices.allocatePinned(byteCount: bytes)
            pinned.append(memory)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            return memory.assumingMemoryBound(to: type)
        } catch let error as PluginError {
            throw PluginError(error.status, "\(purpose): no \(bytes) bytes of pinned memory: \(error.message)")
        }
    }

    private static func byteCount<Element>(
        _ type: Element.Type,
        _ count: [Int],
        _ purpose: String
    ) throws -> Int {
        var bytes = MemoryLayout<Element>.stride
        for factor in count {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: factor)
            guard !overflow, factor >= 0 else {
                throw PluginError(.outOfMemory, "\(purpose): \(count) elements are more than memory can address")
            }
            bytes = product
        }
        return max(bytes, 1)
    }
}
