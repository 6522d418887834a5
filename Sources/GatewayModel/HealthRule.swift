// HealthRule: how a provider is asked whether it is well, without a turn. As configured.

/// Active checks of one provider.
package struct HealthRule: Sendable, Hashable {
    /// What is got, from the root of the provider's host. It should cost nothing: `/health`, `/v1/models`.
    package var path: String
    /// The time from one check to the next.
    package var seconds = 30
    package var timeoutSeconds = 5
    /// So many failures in a row take the provider out.
    package var failuresMax = 3
    /// So many passes in a row take it back.
    package var passesMin = 2

    package init(path: String) { self.path = path }
}
