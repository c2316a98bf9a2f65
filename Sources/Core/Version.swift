/// The version of the host and of every library in this package.
public let podiumVersion = "0.1.0"
