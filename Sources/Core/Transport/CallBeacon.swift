import Glibc
import Synchronization

/// A word that a plugin's process and its parent share: which call of the plugin is under way.
///
/// When the process dies, the word is what it died in; a frame would come too late.
final class CallBeacon: @unchecked Sendable {
    /// The call that the issuing thread is in.
    enum Call: UInt32 {
        case none = 0
        case issue, flush

        /// The function of mlp_plugin.h.
        var name: String {
            switch self {
            case .none: "running"
            case .issue: "issue"
            case .flush: "flush"
            }
        }
    }

    /// The descriptor of the shared memory, for the child; -1 where there is none.
    let descriptor: Int32
    private let word: UnsafeMutablePointer<Atomic<UInt32>>?

    /// The parent's side: memory of its own, to be handed to the child.
    convenience init() {
        let number = CallBeacon.made.wrappingAdd(1, ordering: .relaxed).newValue
        let name = "/podium-\(getpid())-\(number)"
        let made = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        if made >= 0 { shm_unlink(name) }
        if made >= 0, ftruncate(made, CallBeacon.size) != 0 {
            close(made)
            self.init(descriptor: -1)
        } else {
            self.init(descriptor: made)
        }
    }

    /// The child's side: what it was handed.
    ///
    /// A beacon without memory tells nothing, which is no harm.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        let memory =
            descriptor >= 0
            ? mmap(nil, CallBeacon.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) : MAP_FAILED
        word = memory == MAP_FAILED ? nil : memory?.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
    }

    private static let size = 4096
    private static let made = Atomic<Int>(0)

    var current: Call {
        get {
            guard let word else { return .none }
            return Call(rawValue: word.pointee.load(ordering: .acquiring)) ?? .none
        }
        set { word?.pointee.store(newValue.rawValue, ordering: .releasing) }
    }

    deinit {
        if let word { munmap(word, CallBeacon.size) }
        if descriptor >= 0 { close(descriptor) }
    }
}
