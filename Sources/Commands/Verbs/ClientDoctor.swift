// ClientDoctor: `weir doctor --client CLIENT`: by which ways a client's traffic misses the gateway.

import ArgumentParser
import ClientSetup
import Foundation

/// Looks at a client's configuration, at every place where it may stand. Exit code 1 when something leaks.
func examineClient(_ name: String, gateway: String?, systemRoot: String?) throws {
    let client = try codingClient(name)
    var place = try ClientPlace.current(systemRoot: systemRoot)
    guard let origin = try gateway.map(gatewayOrigin) ?? UserFolder().credentials().current else {
        throw CommandFailure("no_gateway", "no gateway is known here", mend: "weir login URL   (or --gateway URL)")
    }
    place.gateway = origin
    let leaks: [ClientLeak]
    do throws(SetupRefusal) { leaks = try client.leaks(place) } catch { throw CommandFailure(error) }
    guard !leaks.isEmpty else {
        try output("ok  all of \(client.title)'s configuration points at \(origin)\n")
        return
    }
    for leak in leaks { try output("!!  \(leak.place): \(leak.text)\n    \(leak.mend)\n") }
    throw ExitCode(1)
}
