internal import Core
internal import Files
internal import Glibc

/// The link `latest` beside the experiments, which leads to the one that was begun last.
enum LatestLink {
    /// Makes the experiment's folder, and the link anew; what cannot be done is told and keeps nothing from being run.
    static func refresh(to folder: String, _ console: RunConsole) {
        var folder = folder
        while folder.hasSuffix("/"), folder.count > 1 { folder.removeLast() }
        let parent = Folder.parent(of: folder)
        guard let name = folder.split(separator: "/").last, name != "latest", name != ".", name != ".." else { return }
        let link = "\(parent)/latest"
        try? Folder.make(folder)
        var status = stat()
        if lstat(link, &status) == 0, status.st_mode & S_IFMT != S_IFLNK {
            console.note("\(link) is no link and is left as it is")
            return
        }
        let temporary = "\(link).\(getpid())"
        unlink(temporary)
        guard symlink(String(name), temporary) == 0, rename(temporary, link) == 0 else {
            console.note("\(link) could not be made: \(String(cString: strerror(errno)))")
            unlink(temporary)
            return
        }
    }
}
