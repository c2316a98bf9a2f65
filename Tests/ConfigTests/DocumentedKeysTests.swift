import Core
import Testing

@Suite("Keys in the documentation")
struct DocumentedKeysTests {
    @Test("docs/from-amd.md has the table that the code gives")
    func table() throws {
        let path = ShippedConfigurationsTests.root + "/docs/from-amd.md"
        let page = String(decoding: try ConfigFiles.disk.contents(path).get(), as: UTF8.self)
        #expect(page.contains(ConfigReference.markdown), "replace the table by ConfigReference.markdown")
    }
}
