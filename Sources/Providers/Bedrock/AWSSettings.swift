// AWSSettings: what a configuration says of a provider at AWS: its region, and what signs its requests.

import GatewayModel

/// A kind's base URL, of one region where it has them.
func regionalURL(_ preset: ProviderPreset, _ region: String?) throws(ProviderError) -> String? {
    guard let url = preset.baseURL, let place = url.firstIndex(of: "{") else { return preset.baseURL }
    guard let region, isRegion(region) else {
        throw ProviderError(setting: "region", message: "a provider of kind \(preset.kind.rawValue) needs a region, such as us-east-1")
    }
    return url[..<place] + region + url[place...].drop { $0 != "}" }.dropFirst()
}

/// What signs its requests, when access keys are configured.
func awsAccess(
    _ specification: ProviderSpecification, _ preset: ProviderPreset, host: String
) throws(ProviderError) -> AWSAccess? {
    let parts = [specification.accessKeyID, specification.secretAccessKey, specification.sessionToken]
    let isFetched = specification.credentialSource?.isAWS == true
    guard isFetched || parts.contains(where: { $0 != nil }) else { return nil }
    guard let service = preset.awsService else {
        throw ProviderError(
            setting: "access_key_id", message: "a provider of kind \(preset.kind.rawValue) signs nothing; its credential is api_key")
    }
    guard specification.credential == nil else {
        throw ProviderError(setting: "api_key", message: "set api_key or access_key_id, not both")
    }
    guard let region = specification.region ?? region(ofHost: host), isRegion(region) else {
        throw ProviderError(setting: "region", message: "a signature needs a region, such as us-east-1")
    }
    if isFetched { return AWSAccess(keys: nil, region: region, service: service) }
    guard let id = specification.accessKeyID, let secret = specification.secretAccessKey else {
        throw ProviderError(setting: "access_key_id", message: "access_key_id and secret_access_key go together")
    }
    guard parts.compactMap({ $0 }).allSatisfy({ $0.utf8.allSatisfy { $0 > 32 && $0 < 127 } }) else {
        throw ProviderError(setting: "access_key_id", message: "a credential holds a space or a control character")
    }
    return AWSAccess(
        keys: AWSKeys(accessKeyID: id, secretAccessKey: secret, sessionToken: specification.sessionToken), region: region, service: service)
}
