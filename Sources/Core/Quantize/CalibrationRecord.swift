import Files
import JSON

/// What an interrupted run has left beside the files: from which stage the states of the samples are there.
enum CalibrationRecord {
    static let name = "calibration.json"

    static func path(in folder: String) -> String { "\(folder)/\(name)" }

    /// Says that the states before a stage are on the disk, and the files of all stages before it.
    static func write(stage: Int, in folder: String) throws {
        let record: JSON = ["stage": JSON(stage)]
        try QuantizeError.naming(.failed) {
            try WholeFile.write(record.text(pretty: true) + "\n", to: path(in: folder))
        }
    }

    /// The stage to go on with.
    ///
    /// - Parameters:
    ///   - folder: The output folder, whose settings were compared already.
    ///   - sizes: Bytes of each sample's state.
    ///   - isMissing: Whether a file of a stage is missing, by stage.
    /// - Returns: 0 where there is nothing to go on from.
    static func stage(in folder: String, sizes: [Int], isMissing: [Bool]) -> Int {
        guard CalibrationStates.exist(folder: folder, sizes: sizes),
            let record = try? JSON(contentsOfFile: path(in: folder)),
            let stage = try? JSONField(record, at: path(in: folder))["stage"].int(in: 1...max(1, isMissing.count - 1)),
            stage < isMissing.count, !isMissing[..<stage].contains(true)
        else { return 0 }
        return stage
    }
}
