/// The lines that end a summary: how many warnings and errors the detail log holds.
enum EncounterCounts {
    static func text(warnings: UInt64, errors: UInt64) -> String {
        let warningLine =
            switch warnings {
            case 0: "No warnings encountered during test."
            case 1: "1 warning encountered. See detailed log."
            default: "\(warnings) warnings encountered. See detailed log."
            }
        let errorLine =
            switch errors {
            case 0: "No errors encountered during test."
            case 1: "1 ERROR encountered. See detailed log."
            default: "\(errors) ERRORS encountered. See detailed log."
            }
        return "\n\(warningLine)\n\n\(errorLine)\n"
    }
}
