import FoundationEssentials
import JSON

/// A copy of a checkpoint, with files changed, that vanishes with the test.
final class ScratchCheckpoint {
    let folder: String

    /// Links to every file of a checkpoint but those that are left out.
    init(of original: String, leaving: Set<String> = []) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "podium-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: original) where !leaving.contains(name) {
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/" + name,
                withDestinationPath: original + "/" + name
            )
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let path = folder + "/" + name
        try? FileManager.default.removeItem(atPath: path)
        try Data(bytes).write(to: URL(filePath: path))
    }

    /// Replaces members of a JSON file; nil removes one.
    func edit(_ name: String, _ members: [(String, JSON?)]) throws {
        guard case .object(let object) = try JSON(contentsOfFile: folder + "/" + name) else { return }
        var kept = JSONObject(object.filter { member in !members.contains { $0.0 == member.0 } })
        for (key, value) in members {
            if let value { kept.updateValue(value, forKey: key) }
        }
        try write(name, JSON.object(kept).text())
    }

    /// Replaces a member of an object inside config.json; nil removes it.
    func edit(_ path: [String], _ member: (String, JSON?)) throws {
        func changed(_ json: JSON, _ path: ArraySlice<String>) -> JSON {
            guard case .object(var object) = json else { return json }
            if let key = path.first {
                object.updateValue(changed(object[key] ?? .null, path.dropFirst()), forKey: key)
            } else if let value = member.1 {
                object.updateValue(value, forKey: member.0)
            } else {
                object = JSONObject(object.filter { $0.0 != member.0 })
            }
            return .object(object)
        }
        try write("config.json", changed(try JSON(contentsOfFile: folder + "/config.json"), path[...]).text())
    }
}
