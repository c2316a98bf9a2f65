import Core
import JSON
import Testing

/// Every harness command of AMD's published pages, with what OmegaConf makes of it; see resolve_amd_commands.py.
struct AMDCommand: CustomTestStringConvertible {
    let words: [String]
    let resolved: JSON
    let program: String

    var testDescription: String { ([program] + words).joined(separator: " ") }

    static let all: [AMDCommand] = {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        do {
            let path = folder + "/amd-commands.json"
            let file = JSONField(try JSON(contentsOfFile: path), at: path)
            return try file.array().map { field in
                AMDCommand(
                    words: try field["words"].array().map { try $0.string() },
                    resolved: try field["resolved"].value,
                    program: try field["program"].string()
                )
            }
        } catch {
            fatalError("\(error)")
        }
    }()
}

@Suite("Commands of AMD's published pages")
struct AMDCommandsTests {
    @Test("There are many")
    func count() {
        #expect(AMDCommand.all.count >= 70)
    }

    @Test("Each is read, and means what it means to AMD's harness", arguments: AMDCommand.all)
    func command(_ command: AMDCommand) throws {
        let isWorker = command.program.hasPrefix("distributed_")
        let words = ["--plugin", "libLlama2.so"] + command.words + (isWorker ? ["role=worker"] : [])
        let file = ConfigFiles(contents: { _ in .success(Array("benchmark_name: llama2-70b\nscenario: offline\n".utf8))
        })
        let run = try RunConfiguration(words: words, files: file)
        #expect(run.plugin == "libLlama2.so" && run.scenario == .offline)
        #expect(run.role == (isWorker ? .worker : .both))
        for (key, value) in leaves(command.resolved) {
            #expect(field(key, of: run, resolved: command.resolved) == value, "\(key)")
        }
        let path = command.resolved["config_path"].flatMap(text) ?? ""
        let name = command.resolved["config_name"].flatMap(text) ?? ""
        #expect(run.configFile == path + (path.hasSuffix("/") ? "" : "/") + name + ".yaml")
    }

    /// What our configuration has in place of a key of AMD's, as JSON; nil for a key that this test does not know.
    private func field(_ key: String, of run: RunConfiguration, resolved: JSON) -> JSON? {
        switch key {
        // Checked together, as the name of the file.
        case "config_path", "config_name": return leaves(resolved).first { $0.key == key }?.value
        case "test_mode": return .string(run.mode == .accuracyOnly ? "accuracy" : "performance")
        case "backend": return .string(run.usesCluster ? "zmq" : "vllm")
        case "port": return run.port.map(JSON.init)
        case "node_id": return run.nodeId.map(JSON.string)
        case "headnode_address": return run.headnodeAddress.map(JSON.string)
        case "harness_config.user_conf_path": return run.userConfPath.map(JSON.string)
        case "harness_config.output_log_dir": return run.outputLogDir.map(JSON.string)
        case "harness_config.accuracy_dataset_path": return run.datasetPath.map(JSON.string)
        // The harness takes accuracy_dataset_path in its place in accuracy runs.
        case "harness_config.dataset_path" where run.mode == .accuracyOnly:
            return resolved["harness_config"]?["dataset_path"]
        case "harness_config.dataset_path": return run.datasetPath.map(JSON.string)
        case "harness_config.device_count": return JSON(run.deviceCount)
        case "harness_config.data_parallel_size": return JSON(run.instanceCount)
        case "harness_config.target_qps": return run.targetQps.map { JSON(Int($0)) }
        case "harness_config.duration_sec": return run.durationSec.map { JSON(Int($0)) }
        case "harness_config.debug_record_sample_latencies": return .bool(run.recordsSampleLatencies)
        case "harness_config.debug_print_finished": return .bool(run.printsFinished)
        case "harness_config.debug_dump_model_output": return .bool(run.dumpsModelOutput)
        case "vllm_sampling_config.max_tokens":
            guard
                case .scalar(let text, _)? = run.options.first(where: { $0.key == "model_config.max_new_tokens" })?
                    .value
            else { return nil }
            return Int(text).map(JSON.init)
        default: return nil
        }
    }

    private func leaves(_ json: JSON, prefix: String = "") -> [(key: String, value: JSON)] {
        guard case .object(let object) = json else { return [(prefix, json)] }
        return object.flatMap { leaves($1, prefix: prefix.isEmpty ? $0 : prefix + "." + $0) }
    }

    private func text(_ json: JSON) -> String? {
        guard case .string(let text) = json else { return nil }
        return text
    }
}
