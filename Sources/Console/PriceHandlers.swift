// PriceHandlers: imported prices and what they mend.

import AdminAPI
import Foundation
import GatewayModel
import Hummingbird
import Identity
import Providers
import Reports
import Storage

struct PriceHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/prices/unpriced") { _, _ in
            await dependencies.catchUp()
            return try jsonResponse(
                ListBody(data: dependencies.reports.unpriced().map { UnpricedView(deployment: $0.deployment, turns: $0.turns) }))
        }
        routes.on(.post, "/api/v1/prices") { request, _ in
            let body = try await request.decodeBody(PriceImportRequest.self, members: ["source", "rows"])
            guard body.rows.allSatisfy({ (0...listPriceMax).contains($0.price) }) else {
                throw IdentityError(
                    .invalid, "malformed_price", "a price is from 0 to \(listPriceMax) nano-USD per million tokens (or thousand calls)",
                    mend: "correct the row")
            }
            guard body.source.utf8.count <= 200 else {
                throw IdentityError(.invalid, "malformed_source", "a source's name is at most 200 bytes", mend: "shorten it")
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let rows = try body.rows.map { row in
                (
                    id: makeEntityID(
                        .priceRow, random: (dependencies.random.next(), UInt16(truncatingIfNeeded: dependencies.random.next()))),
                    body: String(decoding: try encoder.encode(row), as: UTF8.self)
                )
            }
            let now = dependencies.clock.now().rfc3339
            try dependencies.control.transaction {
                let before = try dependencies.control.replacePrices(source: body.source, rows: rows, at: now)
                try dependencies.recordPolicy("prices of \(body.source)", before, rows.map(\.body))
            }
            try await dependencies.publish()
            return try jsonResponse(["imported": rows.count])
        }
        routes.on(.post, "/api/v1/prices/rerate") { _, _ in
            await dependencies.catchUp()
            return try jsonResponse(ListBody(data: await dependencies.rerate()))
        }
    }
}
