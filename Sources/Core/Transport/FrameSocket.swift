import Glibc
import Synchronization

/// What a frame is about.
enum FrameKind: UInt32 {
    // The host asks, one request at a time, and gets `reply` or `fault`.
    case open = 1
    case create, prepare, start, stop, destroy, datasetSize, load, unload, warmUp, beginAccuracy, addResponses,
        finishAccuracy, encode, decode, payloads
    // The host tells, without an answer.
    case issue = 64
    case flush, cancel, issueWithPayloads
    // The plugin's process answers and tells.
    case reply = 128
    case fault, firstToken, complete, log, asynchronousFault
    /// A batch of results without an address: which call (`firstToken` or `complete`), how many.
    case nullResults
}

/// Frames over a connected stream socket: kind (u32), length (u64), content.
///
/// Sending is safe from any thread.
final class FrameSocket: @unchecked Sendable {
    /// More than any frame needs; a length beyond it is no frame.
    private static let maximumLength: UInt64 = 1 << 32

    let descriptor: Int32
    private let sending = Mutex<Void>(())
    /// Called when the descriptor was closed by somebody else in this process.
    private let descriptorLost: (@Sendable () -> Void)?

    init(descriptor: Int32, descriptorLost: (@Sendable () -> Void)? = nil) {
        self.descriptor = descriptor
        self.descriptorLost = descriptorLost
    }

    deinit { Glibc.close(descriptor) }

    /// Makes a `read` in another thread return.
    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// - Returns: false if the peer is gone.
    @discardableResult
    func send(_ kind: FrameKind, _ content: [UInt8] = []) -> Bool {
        var header = WireWriter()
        header.put(kind.rawValue)
        header.put(UInt64(content.count))
        return sending.withLock { _ in
            sendAll(header.bytes) && (content.isEmpty || sendAll(content))
        }
    }

    private func sendAll(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                guard let base = buffer.baseAddress else { return true }
                let sent = Glibc.send(descriptor, base + offset, buffer.count - offset, Int32(MSG_NOSIGNAL))
                if sent > 0 {
                    offset += sent
                } else if errno == EINTR {
                    continue
                } else {
                    if errno == EBADF || errno == ENOTSOCK { descriptorLost?() }
                    return false
                }
            }
            return true
        }
    }

    /// The next frame, or nil when the peer is gone.
    func receive() throws -> (kind: FrameKind, content: WireReader)? {
        guard let header = try receiveAll(12) else { return nil }
        var reader = WireReader(header)
        let kindWord = try reader.uint32()
        let length = try reader.uint64()
        guard let kind = FrameKind(rawValue: kindWord), length <= FrameSocket.maximumLength else {
            throw WireError(reason: "a frame of kind \(kindWord) and \(length) bytes: not this protocol")
        }
        guard let content = try receiveAll(Int(length)) else { return nil }
        return (kind, WireReader(content))
    }

    private func receiveAll(_ count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        // Grows as content arrives: an announced length alone reserves nothing.
        while bytes.count < count {
            let step = min(count - bytes.count, 1 << 20)
            let received = withUnsafeTemporaryAllocation(byteCount: step, alignment: 1) { buffer -> Int in
                while true {
                    let got = recv(descriptor, buffer.baseAddress, step, 0)
                    if got < 0, errno == EINTR { continue }
                    if got > 0 { bytes.append(contentsOf: UnsafeRawBufferPointer(buffer)[..<got]) }
                    return got
                }
            }
            if received <= 0 { return nil }
        }
        return bytes
    }
}
