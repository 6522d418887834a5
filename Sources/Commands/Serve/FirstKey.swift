// FirstKey: a new data folder gets a first team, a first developer and a first key, so that one command is enough to begin.

import GatewayModel
import Identity

/// The first key of a folder that has none; nil when there are keys or teams already.
func makeFirstKey(_ directory: Directory) throws -> (owner: String, secret: String)? {
    guard try !directory.hasKeys(), try directory.teams().isEmpty else { return nil }
    var specification = KeySpecification()
    specification.developer = "owner"
    specification.team = "default"
    return ("owner", try directory.createKey(specification).text)
}
