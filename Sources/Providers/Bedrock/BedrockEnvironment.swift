// BedrockEnvironment: the variables that AWS's SDKs take. An API key for Bedrock means Bedrock; access keys may be there for anything, so
// they count only with a region.

import GatewayModel

/// The provider that the environment describes; nil when it describes none.
func bedrockFromEnvironment(_ environment: [String: String]) throws(ProviderError) -> Provider? {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let region = value("AWS_REGION") ?? value("AWS_DEFAULT_REGION")
    var specification = ProviderSpecification(name: ProviderKind.bedrock.rawValue, kind: .bedrock)
    specification.baseURL = value("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    specification.region = region
    if let token = value("AWS_BEARER_TOKEN_BEDROCK") {
        specification.credential = token
        specification.region = region ?? "us-east-1"
    } else if let id = value("AWS_ACCESS_KEY_ID"), let secret = value("AWS_SECRET_ACCESS_KEY"), region != nil {
        specification.accessKeyID = id
        specification.secretAccessKey = secret
        specification.sessionToken = value("AWS_SESSION_TOKEN")
    } else {
        return nil
    }
    do throws(ProviderError) {
        return try makeProvider(specification)
    } catch {
        // Here a setting has the variable's name.
        let variables = [
            "base_url": "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "api_key": "AWS_BEARER_TOKEN_BEDROCK", "region": "AWS_REGION",
            "access_key_id": "AWS_ACCESS_KEY_ID",
        ]
        throw ProviderError(setting: variables[error.setting] ?? error.setting, message: error.message)
    }
}
