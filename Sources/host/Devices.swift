import ArgumentParser
import Core
import Glibc
import JSON

/// `host devices`: what this machine could run on.
struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the devices that a run could use, and says what is missing for the others.",
        usage: "host devices [--json]"
    )

    @Flag(help: "Prints JSON.")
    var json = false

    func run() throws {
        let inventory = DeviceInventory()
        write(json ? inventory.json.text(pretty: true) + "\n" : inventory.text(), to: STDOUT_FILENO)
    }
}
