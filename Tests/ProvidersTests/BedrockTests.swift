// Bedrock as it is configured: regions, credentials, model ids in paths and prices, and what the environment says.

import GatewayModel
import Providers
import Testing

private func bedrock(_ change: (inout ProviderSpecification) -> Void = { _ in }) throws -> Provider {
    var specification = ProviderSpecification(name: "bedrock", kind: .bedrock)
    specification.region = "eu-west-1"
    change(&specification)
    return try makeProvider(specification)
}

private func fault(_ change: (inout ProviderSpecification) -> Void) -> String? {
    do { _ = try bedrock(change) } catch { return (error as? ProviderError)?.setting }
    return nil
}

@Suite struct BedrockTests {
    private static let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5-5"

    @Test func aRegionMakesTheAddress() throws {
        #expect(try bedrock().origin.host == "bedrock-runtime.eu-west-1.amazonaws.com")
        #expect(fault { $0.region = nil } == "region")
        #expect(fault { $0.region = "eu-west-1.evil.example/" } == "region")
        var mantle = ProviderSpecification(name: "mantle", kind: .bedrockMantle)
        mantle.region = "us-east-1"
        let made = try makeProvider(mantle)
        #expect(made.origin.host == "bedrock-mantle.us-east-1.api.aws")
        #expect(upstreamPath(.chatCompletions, provider: made, id: nil) == "/openai/v1/chat/completions")
        #expect(upstreamPath(.messages, provider: made, id: nil) == "/anthropic/v1/messages")
    }

    @Test func accessKeysSignAndAnAPIKeyDoesNot() throws {
        let signed = try bedrock {
            $0.accessKeyID = "AKID"
            $0.secretAccessKey = "secret"
        }
        #expect(signed.aws?.region == "eu-west-1" && signed.aws?.service == "bedrock" && signed.credentialHeader == .none)
        #expect(try bedrock { $0.credential = "token" }.aws == nil)
        #expect(fault { $0.accessKeyID = "AKID" } == "access_key_id")
        #expect(
            fault {
                $0.accessKeyID = "AKID"
                $0.secretAccessKey = "secret"
                $0.credential = "token"
            } == "api_key")
        // A host of AWS's says its region; any other does not.
        let host = "https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com"
        let byHost = try bedrock {
            ($0.region, $0.baseURL, $0.accessKeyID, $0.secretAccessKey) = (nil, host, "AKID", "secret")
        }
        #expect(byHost.aws?.region == "us-gov-west-1")
        #expect(
            fault { ($0.region, $0.baseURL, $0.accessKeyID, $0.secretAccessKey) = (nil, "https://vpce.example", "AKID", "s") } == "region")
    }

    @Test func modelIDsAreEscapedOnceInPaths() throws {
        let provider = try bedrock()
        #expect(
            upstreamPath(.converseStream, provider: provider, id: nil, model: Self.arn)
                == "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A"
                + "inference-profile%2Fus.anthropic.claude-opus-5-5/converse-stream"
        )
        #expect(upstreamPath(.invokeModel, provider: provider, id: nil, model: "a b%/é") == "/model/a%20b%25%2F%C3%A9/invoke")
    }

    @Test func anARNIsPricedByWhatItEndsIn() throws {
        #expect(try bedrock().priceModel(of: Self.arn) == "us.anthropic.claude-opus-5-5")
        #expect(try bedrock().priceModel(of: "amazon.nova-2-lite") == "amazon.nova-2-lite")
    }

    @Test func onlyClaudeIsAskedInItsOwnEnvelope() throws {
        let table = ModelTable([try bedrock { $0.aliases = ["opus": Self.arn] }])
        func dialect(_ model: String) throws -> Dialect {
            try table.resolve(model, dialect: .anthropicMessages, translatingTo: [.bedrockInvoke, .bedrockConverse]).dialect
        }
        #expect(try dialect("eu.anthropic.claude-opus-5-5") == .bedrockInvoke)
        #expect(try dialect("opus") == .bedrockInvoke && dialect("bedrock/opus") == .bedrockInvoke)
        #expect(try dialect("amazon.nova-2-lite") == .bedrockConverse)
        #expect(try table.resolve("amazon.nova-2-lite", dialect: .bedrockInvoke).dialect == .bedrockInvoke)
    }

    @Test func theEnvironmentMakesItAsAWSsOwnToolsDo() throws {
        let byToken = try providersFromEnvironment(["AWS_BEARER_TOKEN_BEDROCK": "token"])
        #expect(byToken.map(\.name) == ["bedrock"] && byToken[0].origin.host == "bedrock-runtime.us-east-1.amazonaws.com")
        let keys = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"]
        // Access keys may be there for anything.
        #expect(try providersFromEnvironment(keys).isEmpty)
        let signed = try providersFromEnvironment(keys.merging(["AWS_DEFAULT_REGION": "eu-west-1"]) { $1 })
        #expect(signed.first?.aws?.keys?.sessionToken == "session" && signed.first?.hangUp == .drain)
    }
}
