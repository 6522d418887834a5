// PriceHandlers: imported prices and what they mend.

import AdminAPI
import Foundation
import GatewayModel
import Hummingbird
import Identity
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
            guard body.rows.allSatisfy({ $0.price >= 0 }) else {
                throw IdentityError(.invalid, "negative_price", "a price is negative", mend: "correct the row")
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
            try dependencies.control.replacePrices(source: body.source, rows: rows, at: dependencies.clock.now().rfc3339)
            try await dependencies.publish()
            return try jsonResponse(["imported": rows.count])
        }
        routes.on(.post, "/api/v1/prices/rerate") { _, _ in
            await dependencies.catchUp()
            return try jsonResponse(ListBody(data: await dependencies.rerate()))
        }
    }
}
