// AlertTypes: the admin API's bodies about alerts.

/// A test of the receivers.
package struct AlertTestRequest: Sendable, Codable {
    /// One receiver's name; all of them without it.
    package var receiver: String?

    package init(receiver: String?) { self.receiver = receiver }
}

/// What came of it.
package struct AlertTestView: Sendable, Codable {
    package var receiver: String
    /// Nil when it arrived.
    package var problem: String?

    package init(receiver: String, problem: String?) {
        self.receiver = receiver
        self.problem = problem
    }
}
