// ChangeBodyTests: what a body asks for is done, or refused by name; nothing of it is left out in silence.

import AdminAPI
import Console
import GatewayModel
import HTTPTypes
import Storage
import Testing

@Suite struct ChangeBodyTests {
    @Test(arguments: [("/budgets", "nano_usd"), ("/limits", "requests")])
    func aMisspelledMemberOfANewRuleIsNamedAndMakesNoRuleForAll(_ path: String, _ unit: String) async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            let rest = #""id":"b1","limit":1000000000,"unit":"\#(unit)","window":"month""#
            for odd in [#""group_bye":["team"]"#, #""mod":"alert""#] {
                let refused = try await ask(.post, path, "{\(rest),\(odd)}", [:])
                #expect(refused.status == 400)
                let failure = try refused.failure()
                #expect(failure.code == "unknown_member" && failure.mend.contains("group_by") && failure.mend.contains("mode"))
            }
            #expect(try fixture.dependencies.control.limitRules().isEmpty)
            let made = try await ask(.post, path, #"{\#(rest),"group_by":["team"],"mode":"alert"}"#, [:])
            #expect(made.status == 201, "\(made.text)")
        }
    }

    @Test(arguments: [#"{"team":"data"}"#, #"{"developer":"jon"}"#, #"{"service_account":"ci","models":["o3"]}"#])
    func aKeyIsNotGivenToAnotherOwnerAndNotLeftToHimInSilence(_ body: String) async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            let made: KeySecretView = try await ask(.post, "/keys", #"{"developer":"maria","team":"web"}"#, [:]).decoded()
            let path = "/keys/\(made.key.keyID)"
            let refused = try await ask(.patch, path, body, [:])
            #expect(refused.status == 400)
            #expect(try refused.failure().code == "key_keeps_owner")
            let same = #"{"developer":"maria","team":"web","name":"laptop"}"#
            let changed: KeyView = try await ask(.patch, path, same, [:]).decoded()
            #expect(changed.developer == "maria" && changed.team == "web" && changed.name == "laptop" && changed.models.isEmpty)
        }
    }

    @Test func aServiceAccountUnderADevelopersNameIsAConflict() async throws {
        let fixture = try AdminFixture()
        try await fixture.run { ask in
            #expect(try await ask(.post, "/keys", #"{"developer":"maria","team":"web"}"#, [:]).status == 201)
            let refused = try await ask(.post, "/service-accounts", #"{"name":"maria","team":"web"}"#, [:])
            #expect(refused.status == 409)
            #expect(try refused.failure().code == "developer_exists")
            #expect(try await ask(.post, "/keys", #"{"service_account":"maria","team":"web"}"#, [:]).status == 409)
        }
    }
}
