// UpstreamResolver: a provider's addresses, looked up once, checked one by one, and connected to as checked, so that no later
// answer of a name server can move a credential to an address that nobody allowed.

import GatewayModel
import NIOCore
import NIOPosix
import Policy
import Providers
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Resolves and checks the addresses of providers.
final class UpstreamResolver: Sendable {
    private struct Entry {
        var addresses: [SocketAddress]
        var expires: NIODeadline
    }

    private let threads: NIOThreadPool
    private let cache = Mutex<[Origin: Entry]>([:])

    init(threads: NIOThreadPool) { self.threads = threads }

    /// The allowed addresses of a provider. Fails with `GatewayError` when one is forbidden or there is none.
    func resolve(_ provider: Provider, on eventLoop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        let origin = provider.origin
        let known = cache.withLock { $0[origin] }
        if let known, NIODeadline.now() < known.expires {
            return eventLoop.makeCompletedFuture { try Self.check(known.addresses, provider) }
        }
        return threads.runIfActive(eventLoop: eventLoop) {
            let addresses = try Self.lookUp(host: origin.host, port: origin.port)
            return addresses
        }.flatMapThrowing { [self] addresses in
            cache.withLock { $0[origin] = Entry(addresses: addresses, expires: .now() + .seconds(30)) }
            return try Self.check(addresses, provider)
        }.flatMapErrorThrowing { error in
            throw (error as? GatewayError)
                ?? GatewayError.upstreamConnectFailed(provider: provider.name, reason: "its host name does not resolve")
        }
    }

    private static func check(_ addresses: [SocketAddress], _ provider: Provider) throws(GatewayError) -> [SocketAddress] {
        for address in addresses {
            guard let bytes = addressBytes(address),
                !AddressRules.isForbidden(bytes, allowsPrivate: provider.allowsPrivateAddresses)
            else {
                throw .upstreamAddressForbidden(
                    provider: provider.name, reason: "its host resolves to an address that is not allowed")
            }
        }
        return addresses
    }

    /// getaddrinfo, on a thread that may block.
    private static func lookUp(host: String, port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family = AF_UNSPEC
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0 else {
            throw UnresolvedHost()
        }
        defer { freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var next = found
        while let info = next?.pointee {
            if let raw = info.ai_addr {
                switch info.ai_family {
                case AF_INET:
                    addresses.append(
                        SocketAddress(
                            raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee }, host: host))
                case AF_INET6:
                    addresses.append(
                        SocketAddress(
                            raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { $0.pointee }, host: host))
                default: break
                }
            }
            next = info.ai_next
        }
        guard !addresses.isEmpty else { throw UnresolvedHost() }
        return addresses
    }
}

/// The 4 or 16 bytes of an IP address, nil for another family.
func addressBytes(_ address: SocketAddress?) -> [UInt8]? {
    address?.withSockAddr { pointer, count in
        let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
        switch Int32(pointer.pointee.sa_family) {
        // sockaddr_in: family, port, address. sockaddr_in6: family, port, flow, address.
        case AF_INET where count >= 8: return Array(bytes[4..<8])
        case AF_INET6 where count >= 24: return Array(bytes[8..<24])
        default: return nil
        }
    }
}

/// Whether a host is an address and not a name.
func isAddressLiteral(_ host: String) -> Bool {
    (try? SocketAddress(ipAddress: host, port: 0)) != nil
}

extension PeerAddress {
    /// The address of a socket's peer.
    init(_ address: SocketAddress?) { self.init(addressBytes(address) ?? []) }
}

/// The name server knows no address.
private struct UnresolvedHost: Error {}
