// HandlerTests: what the admin API does with keys, teams, prices and reports.

import AdminAPI
import Console
import Foundation
import GatewayModel
import HTTPTypes
import Identity
import Reports
import Storage
import Testing

@Suite struct HandlerTests {
    private static let maria = "{\"developer\":\"maria\",\"team\":\"web\"}"

    @Test func aNewKeyIsInForceBeforeItIsShownAndItsSecretIsShownOnce() async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            let answer = try await ask(.post, "/keys", Self.maria, [:])
            #expect(answer.status == 201 && fixture.publications.count == 1)
            let made: KeySecretView = try answer.decoded()
            #expect(made.secret.hasPrefix("weir_k_\(made.key.keyID)_") && made.key.status == "active")
            for path in ["/keys", "/keys/\(made.key.keyID)", "/teams", "/developers", "/status", "/turns"] {
                let text = try await ask(.get, path, nil, [:]).text
                #expect(!text.contains(made.secret.suffix(49)) && !text.contains("\"mac\""), "\(path)")
            }
            let list: ListBody<KeyView> = try await ask(.get, "/keys", nil, [:]).decoded()
            #expect(list.data.map(\.keyID) == [made.key.keyID] && list.data.first?.developer == "maria")
        }
    }

    @Test func aKeyIsChangedRotatedAndRevoked() async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            let made: KeySecretView = try await ask(.post, "/keys", Self.maria, [:]).decoded()
            let path = "/keys/\(made.key.keyID)"
            let changed: KeyView = try await ask(.patch, path, "{\"models\":[\"gpt-5*\"],\"name\":\"laptop\"}", [:])
                .decoded()
            #expect(changed.models == ["gpt-5*"] && changed.name == "laptop")
            let rotated: KeySecretView = try await ask(.post, "\(path)/rotate", "{\"overlap_seconds\":3600}", [:])
                .decoded()
            #expect(rotated.secret != made.secret && rotated.key.generation == 2)
            let revoked: KeyView = try await ask(.post, "\(path)/revoke", nil, [:]).decoded()
            #expect(revoked.status == "revoked")
            #expect(try await ask(.post, "\(path)/rotate", "{\"overlap_seconds\":0}", [:]).status == 409)
            #expect(fixture.publications.count == 4)
        }
    }

    // MARK: Idempotency-Key

    @Test func aRepeatedRequestMakesNothingTwice() async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            let name = ["Idempotency-Key": "first"]
            let made: KeySecretView = try await ask(.post, "/keys", Self.maria, name).decoded()
            let again = try await ask(.post, "/keys", Self.maria, name)
            #expect(again.status == 409)
            #expect(try again.failure().code == "already_done")
            #expect(try fixture.dependencies.directory.keys().count == 1)
            #expect(try await ask(.post, "/keys", Self.maria, ["Idempotency-Key": "second"]).status == 201)
            // A rotation is another request, whatever its name.
            let rotate = "/keys/\(made.key.keyID)/rotate"
            #expect(try await ask(.post, rotate, "{\"overlap_seconds\":60}", name).status == 200)
            #expect(try await ask(.post, rotate, "{\"overlap_seconds\":60}", name).status == 409)
            #expect(try fixture.dependencies.directory.key(made.key.keyID).key.secrets.map(\.generation) == [1, 2])
        }
    }

    @Test func aRequestThatFailedMayBeRepeatedUnderItsName() async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            let name = ["Idempotency-Key": "first"]
            let refused = try await ask(.post, "/keys", "{\"developer\":\"maria\"}", name)
            #expect(refused.status == 404)
            let made = try await ask(.post, "/keys", Self.maria, name)
            #expect(made.status == 201)
        }
    }

    @Test func ofManyRequestsWithOneNameAtOnceOneIsCarriedOut() async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await ask(.post, "/keys", Self.maria, ["Idempotency-Key": "same"]).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 201 }.count == 1)
            #expect(statuses.filter { $0 == 409 }.count == 15)
            #expect(try fixture.dependencies.directory.keys().count == 1)
        }
    }

    // MARK: Teams and owners

    @Test func teamsAndOwnersAreMadeListedAndDisabledWhateverTheirNames() async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            #expect(try await ask(.post, "/teams", "{\"name\":\"web & ops\"}", [:]).status == 201)
            #expect(try await ask(.post, "/teams", "{\"name\":\"web & ops\"}", [:]).status == 409)
            let owner = "{\"name\":\"jürgen\",\"team\":\"web & ops\",\"email\":\"j@acme.example\"}"
            let made: EntityView = try await ask(.post, "/developers", owner, [:]).decoded()
            #expect(made.team == "web & ops" && made.email == "j@acme.example" && made.workspace == "default")
            let disabled: EntityView = try await ask(.post, "/developers/j%C3%BCrgen/disable", nil, [:]).decoded()
            #expect(disabled.disabled != nil)
            let enabled: EntityView = try await ask(.post, "/developers/j%C3%BCrgen/enable", nil, [:]).decoded()
            #expect(enabled.disabled == nil)
            #expect(try await ask(.post, "/teams/web%20%26%20ops/disable", nil, [:]).status == 200)
            #expect(fixture.publications.count == 3)
            let teams: ListBody<EntityView> = try await ask(.get, "/teams", nil, [:]).decoded()
            #expect(teams.data.map(\.name) == ["web & ops"] && teams.data.first?.disabled != nil)
        }
    }

    // MARK: Prices and reports

    @Test func anImportReplacesWhatCameFromTheSameSource() async throws {
        let fixture = try AdminFixture()
        let control = fixture.dependencies.control
        try await fixture.run { ask in
            func body(_ source: String, _ prices: [Int64]) throws -> String {
                let rows = prices.map { PriceRow(provider: "p", model: "m", meter: .input, price: $0, source: source) }
                return String(
                    decoding: try JSONEncoder().encode(PriceImportRequest(source: source, rows: rows)), as: UTF8.self)
            }
            let first = try await ask(.post, "/prices", body("litellm", [1, 2]), [:])
            #expect(try first.decoded([String: Int].self) == ["imported": 2])
            _ = try await ask(.post, "/prices", body("models.dev", [3]), [:])
            _ = try await ask(.post, "/prices", body("litellm", [4]), [:])
            #expect(try control.priceRows().count == 2)
            let refused = try await ask(.post, "/prices", body("litellm", [-1]), [:])
            #expect(try refused.failure().code == "malformed_price")
            #expect(try control.priceRows().count == 2)
        }
    }

    @Test func reportsOverAnEmptyLedgerAreEmptyAndNotAnError() async throws {
        try await AdminFixture().run { ask in
            let spend: SpendReport = try await ask(.get, "/reports/spend?by=team,day", nil, [:]).decoded()
            #expect(spend.rows.isEmpty && spend.by == ["team", "day"] && spend.schema == "weir.report.spend/1")
            #expect(try await ask(.get, "/sessions", nil, [:]).status == 200)
            #expect(try await ask(.get, "/turns?limit=5", nil, [:]).status == 200)
            let unpriced: ListBody<UnpricedView> = try await ask(.get, "/prices/unpriced", nil, [:]).decoded()
            #expect(unpriced.data.isEmpty)
            let rerated: ListBody<UnpricedView> = try await ask(.post, "/prices/rerate", nil, [:]).decoded()
            #expect(rerated.data.first?.turns == 3)
            let status: StatusView = try await ask(.get, "/status", nil, [:]).decoded()
            #expect(status.providers == ["openai"])
        }
    }

    @Test func theTailIsOneDocumentALine() async throws {
        let turns = try (1...3).map { number in
            TurnRecord(
                requestID: RequestID(high: 0x7000, low: UInt64(number)),
                principal: Principal(
                    keyID: "k", workspace: "default", team: "web", developer: "maria", serviceAccount: nil),
                attribution: Attribution(), endpoint: .messages, modelAsked: "claude-opus-5-5",
                received: try #require(Timestamp(rfc3339: "2026-11-24T12:00:00Z")))
        }
        try await AdminFixture(tail: turns).run { ask in
            let lines = try await ask(.get, "/tail", nil, [:]).text.split(separator: "\n")
            let views = try lines.map { try JSONDecoder().decode(TurnView.self, from: Data($0.utf8)) }
            #expect(views.map(\.requestID) == turns.map(\.requestID.description))
        }
    }
}
