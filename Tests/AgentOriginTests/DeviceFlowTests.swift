// DeviceFlowTests: the pace of a login, its end, its guessers, and that the approval step can be another one.

import AgentOrigin
import Foundation
import GatewayModel
import Identity
import Testing

@Suite struct DeviceFlowTests {
    @Test func whoAsksTooOftenIsSlowedDownByFiveSecondsEachTime() async throws {
        let fixture = try OriginFixture()
        let (device, _) = try await fixture.begin()
        #expect(try await fixture.poll(device).error == "authorization_pending")
        fixture.clock.advance(milliseconds: 1000)
        #expect(try await fixture.poll(device).error == "slow_down")
        // Seven seconds are due now.
        fixture.clock.advance(milliseconds: 6000)
        #expect(try await fixture.poll(device).error == "slow_down")
        fixture.clock.advance(milliseconds: 12_000)
        #expect(try await fixture.poll(device).error == "authorization_pending")
        // Another login has its own pace.
        #expect(try await fixture.poll(try await fixture.begin().device).error == "authorization_pending")
    }

    @Test func aPunctualPollMayComeALittleEarly() async throws {
        let fixture = try OriginFixture()
        let (device, _) = try await fixture.begin()
        for _ in 0..<20 {
            #expect(try await fixture.poll(device).error == "authorization_pending")
            fixture.clock.advance(milliseconds: 1600)
        }
    }

    @Test func aLoginThatNobodyApprovesExpires() async throws {
        let fixture = try OriginFixture()
        let (device, user) = try await fixture.begin()
        fixture.clock.advance(milliseconds: 900_000)
        #expect(try await fixture.poll(device).error == "expired_token")
        let page = try await fixture.ask("POST", "/device", form: "user_code=\(user)&invitation=x")
        #expect(page.status == 400 && page.error == "invalid_grant")
    }

    @Test func anApprovedLoginGivesItsKeyOnce() async throws {
        let fixture = try OriginFixture()
        let code = try fixture.directory.invite(developer: "maria", team: "web", email: nil, expires: nil).code
        let (device, user) = try await fixture.begin()
        let approved = try await fixture.ask("POST", "/device", form: "user_code=\(user)&invitation=\(code)")
        #expect(approved.status == 200 && approved.json["status"] as? String == "approved")
        let token = try await fixture.poll(device)
        #expect(token.status == 200 && token.fields["cache-control"] == "no-store")
        #expect(token.json["developer"] as? String == "maria" && token.json["expires_in"] as? Int == 365 * 86_400)
        #expect(try await fixture.poll(device).error == "invalid_grant")
        #expect(try fixture.directory.keys().count == 1)
    }

    @Test func twoDevicesThatAskAtOnceGetOneKey() async throws {
        let fixture = try OriginFixture()
        let (device, user) = try await fixture.begin()
        _ = try fixture.directory.approveDevice(userCode: user, developer: "maria", team: "web")
        let directory = fixture.directory
        let keys = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    guard let outcome = try? directory.redeemDevice(device, keyDays: 1), case .key = outcome else { return 0 }
                    return 1
                }
            }
            return await group.reduce(0, +)
        }
        #expect(keys == 1)
        #expect(try fixture.directory.keys().count == 1)
    }

    @Test func aPeerThatGuessesIsShutOutForAWhileAndOthersAreNot() async throws {
        let fixture = try OriginFixture()
        for number in 0..<20 {
            let guess = try await fixture.ask("POST", "/device", form: "user_code=BCDF-GHJK&invitation=\(number)")
            #expect(guess.status == 400)
        }
        let (device, user) = try await fixture.begin()
        #expect(try await fixture.ask("POST", "/device", form: "user_code=\(user)&invitation=x").status == 429)
        #expect(try await fixture.poll(device).status == 429)
        #expect(try await fixture.poll(device, peer: [192, 0, 2, 2]).error == "authorization_pending")
        fixture.clock.advance(milliseconds: 900_000)
        #expect(try await fixture.ask("POST", "/device", form: "user_code=\(user)&invitation=x").status == 400)
    }

    @Test func anotherApproverTakesTheInvitationsPlace() async throws {
        let fixture = try OriginFixture(usesPassword: true)
        let (device, user) = try await fixture.begin()
        #expect(try await fixture.ask("POST", "/device", form: "user_code=\(user)&invitation=weir-x").status == 403)
        #expect(try await fixture.ask("POST", "/device", form: "user_code=\(user)&invitation=open+sesame").status == 200)
        #expect(try await fixture.poll(device).json["developer"] as? String == "sso-user")
    }

    @Test func whatADeviceCallsItselfIsHarmlessOnThePage() async throws {
        let fixture = try OriginFixture()
        let answer = try await fixture.ask("POST", "/device/code", form: "client_id=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
        let user = try #require(answer.json["user_code"] as? String)
        let page = try await fixture.ask("GET", "/device", query: "user_code=\(user)")
        #expect(page.text.contains("&lt;script&gt;") && !page.text.contains("<script"))
    }
}
