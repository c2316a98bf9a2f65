/// What the detail log says about the LoadGen that wrote it.
enum LoadGenVersion {
    /// The official release whose behaviour this is, with the name of the implementation where the official log has a commit.
    static let text = "6.0.17 @ podium"
}
