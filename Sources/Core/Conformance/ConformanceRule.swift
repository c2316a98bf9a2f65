/// How a rule's test ended.
public enum ConformanceVerdict: Sendable, Equatable {
    /// The plugin keeps the rule.
    case pass
    /// It keeps the rule, but a user would want to know this.
    case warn(String)
    /// It breaks the rule.
    case fail(String)
    /// Its process died.
    case crash(String)
    /// It did not come back in time.
    case hang(String)
    /// The rule could not be tested: no pass.
    case skip(String)

    /// The word for reports.
    public var word: String {
        switch self {
        case .pass: "pass"
        case .warn: "warn"
        case .fail: "fail"
        case .crash: "crash"
        case .hang: "hang"
        case .skip: "skip"
        }
    }

    /// The sentence behind the word, empty for a pass.
    public var reason: String {
        switch self {
        case .pass: ""
        case .warn(let reason), .fail(let reason), .crash(let reason), .hang(let reason), .skip(let reason): reason
        }
    }

    /// Whether the plugin broke the rule.
    public var isBreach: Bool {
        switch self {
        case .fail, .crash, .hang: true
        case .pass, .warn, .skip: false
        }
    }

    init?(word: String, reason: String) {
        switch word {
        case "pass": self = .pass
        case "warn": self = .warn(reason)
        case "fail": self = .fail(reason)
        case "crash": self = .crash(reason)
        case "hang": self = .hang(reason)
        case "skip": self = .skip(reason)
        default: return nil
        }
    }
}

/// One numbered rule of the contract, and how a breach of it is found.
public struct ConformanceRule: Sendable {
    /// "MLP-S03".
    public var id: String
    /// What a plugin must do, in one sentence.
    public var sentence: String
    /// The roles in which it is tested.
    public var roles: [String]
    /// Seconds after which the test counts as hung.
    public var timeLimit: Double
    /// Tests the rule; a thrown error is a breach.
    let check: @Sendable (ConformanceProbe) throws -> ConformanceVerdict

    init(
        _ id: String,
        _ sentence: String,
        roles: [String] = ["both"],
        timeLimit: Double = 60,
        check: @escaping @Sendable (ConformanceProbe) throws -> ConformanceVerdict
    ) {
        self.id = id
        self.sentence = sentence
        self.roles = roles
        self.timeLimit = timeLimit
        self.check = check
    }

    /// The name of the rule's group, by its letter.
    public var group: String { ConformanceRule.groupNames[id.dropFirst(4).prefix(1).lowercased()] ?? "" }

    private static let groupNames = [
        "l": "loading", "c": "creation", "x": "extensions", "f": "life cycle", "s": "samples", "h": "hanging",
        "k": "crashing", "t": "threads", "w": "weights", "n": "kernels", "e": "tokenizer", "d": "determinism",
        "a": "accuracy", "q": "quantisation",
    ]

    /// Every rule, in the order of the groups.
    public static let all: [ConformanceRule] =
        loading + creation + extensions + lifeCycle + samples + hanging + crashing + threads + weights + kernels
        + tokenizer + accuracy + determinism + quantisation
}

/// A breach found by a rule's test.
struct Breach: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Throws a breach unless `condition` holds.
func demand(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
    if !condition { throw Breach(otherwise()) }
}
