public import Core

/// The words of `host scenarios` behind its flags: which scenarios, and the settings of their runs.
///
/// A bare word that names a scenario asks for it.  In every other word `{scenario}` stands for the scenario's name in
/// small letters (`--config-name demo_{scenario}`), and a word that begins with a scenario's name and a colon is for that
/// scenario alone (`Server:harness_config.target_qps=300`).
public struct ScenarioWords: Sendable, Equatable {
    /// The scenarios asked for, in the order of the words, each once; empty if none was named.
    public let scenarios: [RequestedScenario]

    private let words: [String]

    /// Reads the words.
    public init(_ words: [String]) {
        var scenarios: [RequestedScenario] = []
        var rest: [String] = []
        var previous = ""
        for word in words {
            // Behind `--key` stands a value, be it called like a scenario.
            let isValue = previous.hasPrefix("--") && !previous.contains("=") && !Self.isFlag(previous)
            if !isValue, let scenario = Self.scenario(named: word) {
                if !scenarios.contains(scenario) { scenarios.append(scenario) }
            } else {
                rest.append(word)
            }
            previous = word
        }
        self.scenarios = scenarios
        self.words = rest
    }

    /// The settings of one scenario's runs.
    public func settings(for scenario: RequestedScenario) -> [String] {
        words.compactMap { word in
            var word = word
            if let colon = word.firstIndex(of: ":"), let owner = Self.scenario(named: String(word[..<colon])) {
                guard owner == scenario else { return nil }
                word = String(word[word.index(after: colon)...])
            }
            return Self.replacing("{scenario}", by: scenario.rawValue.lowercased(), in: word)
        }
    }

    private static func scenario(named word: String) -> RequestedScenario? {
        RequestedScenario.allCases.first { $0.rawValue.lowercased() == word.lowercased() }
    }

    private static func isFlag(_ word: String) -> Bool {
        let name = word.dropFirst(2).map { $0 == "-" ? "_" : $0 }
        return ConfigKey.all.contains { key in
            key.kind == .boolean && ([key.name] + key.aliases).contains { $0.elementsEqual(name) }
        }
    }

    private static func replacing(_ mark: String, by text: String, in word: String) -> String {
        var result = ""
        var rest = Substring(word)
        while let place = rest.firstIndex(of: "{") {
            result += rest[..<place]
            rest = rest[place...]
            if rest.hasPrefix(mark) {
                result += text
                rest = rest.dropFirst(mark.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result + rest
    }
}
