// AlertSink: where alerts go: a signed webhook, a Slack-compatible webhook, or mail by SMTP.

/// One receiver of alerts.
package struct AlertSink: Sendable, Hashable {
    /// How an alert is said.
    package enum Kind: String, Sendable, CaseIterable {
        /// JSON, signed with HMAC-SHA-256.
        case webhook
        /// `{"text": …}`, as Slack, Mattermost and others take it.
        case slack
        case smtp
    }

    package var name: String
    package var kind: Kind
    /// `https://…`, `http://…`, or `smtp://host:port`.
    package var url: String
    /// What a webhook's requests are signed with.
    package var secret: String
    package var from: String
    package var to: [String]

    package init(name: String, kind: Kind, url: String, secret: String = "", from: String = "", to: [String] = []) {
        self.name = name
        self.kind = kind
        self.url = url
        self.secret = secret
        self.from = from
        self.to = to
    }
}
