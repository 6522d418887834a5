// Reference: docs/configuration.md and docs/limits.md, made from the schema.

import GatewayModel
import Policy
import Providers

/// Renders the reference pages.
package enum ConfigurationReference {
    /// docs/configuration.md
    package static func configuration() -> String {
        var text = """
            # Configuration

            Flags stand over environment variables, over `weir.yaml`, over defaults. `weir config check` names the file, line and mend of each
            fault; `weir config show` prints what is in force. A changed file is taken over whole or not at all.

            This page is made from the code's schema: `make docs`.

            ## Settings

            | setting | environment | type | default | meaning |
            |---|---|---|---|---|

            """
        text += Schema.general.map(row).joined()
        text += """

            ## `runaway`

            What is done about agents that run away ([runaway](runaway.md)).

            | setting | environment | type | default | meaning |
            |---|---|---|---|---|

            """
        text += Schema.runaway.map(row).joined()
        return text + providers() + rules()
    }

    private static func providers() -> String {
        var text = """

            Limits have a page of their own: [limits.md](limits.md).

            ## `providers`

            A list. With no list, providers come from the usual environment variables.

            | member | meaning |
            |---|---|
            | `name` | what models are prefixed with: `name/model`; a-z, 0-9, - and _ |
            | `kind` | one of \(providerRegistry.map { "`\($0.kind.rawValue)`" }.joined(separator: ", ")) |
            | `base_url` | `https://host[:port][/path]`; `http://` only with `allow_private_addresses` |
            | `api_key` | `${NAME}` or `file:PATH`; never in clear. For `vertex`, a service account's JSON file |
            | `api_keys` | in its place, several: a list of `key`, `weight`, `name` ([routing](routing.md)) |
            | `models` | model ids, or patterns with a trailing `*` |
            | `aliases` | client's name: upstream model id |
            | `dialects` | of \(Dialect.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")) |
            | `allow_private_addresses` | whether it may resolve to a private or loopback address |
            | `price_provider` | whose price rows apply |
            | `price_models` | upstream model id: the model whose prices apply, where the id hides it (a deployment, an ARN) |
            | `api_version` | Azure OpenAI's dated version, `2026-01-01-preview`; without one its version 1 is used |
            | `project`, `location` | of Google Cloud, for `vertex` |
            | `token_url` | where `vertex` gets its tokens: an endpoint in place of the service account's own, or, without `api_key`, a metadata server. With `credential_source`, in place of the usual endpoint |
            | `credential_source` | in place of a credential, where it is fetched and renewed: \(CredentialSource.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")) ([Azure](providers.md), [AWS](bedrock.md)) |
            | `tenant_id`, `client_id`, `client_secret`, `token_scope` | of Microsoft Entra's application; `client_id` also of a managed identity |
            | `role_arn`, `token_file` | of AWS, for `web-identity`; by default what the cluster sets in the environment |
            | `reasoning_echo` | models, or patterns, that want `reasoning_content` back with the tool calls that followed it |
            | `trust_roots` | PEM file of further trusted roots |
            | `region` | of AWS: `us-east-1` |
            | `access_key_id` | of AWS, in place of `api_key`: each request is signed (SigV4) |
            | `secret_access_key`, `session_token` | that go with it, as `${NAME}` or `file:PATH` |
            | `hang_up` | `cancel` or `drain`: what happens upstream when a client hangs up |
            | `health` | a path that is asked for now and then, or a mapping: \(ConfigurationReader.healthMembers.map { "`\($0)`" }.joined(separator: ", ")) ([routing](routing.md)) |

            | kind | default base URL | credential | from the environment |
            |---|---|---|---|

            """
        for preset in providerRegistry {
            let variables = [preset.credentialEnvironment, preset.baseURLEnvironment].compactMap { $0 }.map {
                "`\($0)`"
            }
            text +=
                "| `\(preset.kind.rawValue)` | \(preset.baseURL ?? "none") | \(preset.credentialHeader.rawValue) | "
                + "\(variables.joined(separator: ", ")) |\n"
        }
        return text
    }

    private static func rules() -> String {
        """

        ## `routes`

        A list. Members of a route: \(ConfigurationReader.routeMembers.map { "`\($0)`" }.joined(separator: ", ")); of one of its
        `deployments`: \(ConfigurationReader.deploymentMembers.map { "`\($0)`" }.joined(separator: ", ")); of its `when`:
        \(ConfigurationReader.conditionMembers.map { "`\($0)`" }.joined(separator: ", ")); of its `cache`: \(ConfigurationReader.cacheMembers.map { "`\($0)`" }.joined(separator: ", ")).
        What they mean: [routing](routing.md).

        ## `prices`

        A list of overrides in USD per million tokens (`web_search`: per thousand calls), exact decimals. Members: `provider`, `model`
        (or a pattern with a trailing `*`), \(Meter.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")),
        `context_over`, `service_tier`, `speed`, `geo`, `valid_from`, `valid_to`. Of several rows for the same model and conditions, the one
        with the latest `valid_from` that has come holds: a new price needs no `valid_to` on the old one. A row without `valid_from` is the
        earliest.

        ## `budgets`, `usage_limits`

        Lists of rules ([budgets](budgets.md)). Members of both: \(ConfigurationReader.ruleMembers.map { "`\($0)`" }.joined(separator: ", ")).
        A budget has `usd`; a usage limit has `limit`, `unit` (\(LimitUnit.countable.map { "`\($0)`" }.joined(separator: ", "))),
        and may have `burst` and `wait_milliseconds_max`.

        ## `alerts`

        Where alerts go ([budgets](budgets.md)): \(ConfigurationReader.alertMembers.map { "`\($0)`" }.joined(separator: ", ")). `kind` is one of
        \(AlertSink.Kind.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")); `secret` and a Slack `url` are `${NAME}` or `file:PATH`.

        """
    }

    /// docs/limits.md
    package static func limits() -> String {
        var text = """
            # Limits

            Everything that comes from outside is bounded. Each limit is a setting; crossing one gives the answer in brackets.

            This page is made from the code's schema: `make docs`.

            | setting | environment | type | default | meaning |
            |---|---|---|---|---|

            """
        text += Schema.limits.map(row).joined()
        return text
    }

    private static func row(_ setting: Setting) -> String {
        let standard = setting.defaultText.isEmpty ? "" : "`\(setting.defaultText)`"
        return "| `\(setting.path)` | `\(setting.environment)` | \(setting.typeText) | \(standard) | \(setting.about) |\n"
    }

    /// What is in force, for people. Credentials are left out.
    package static func inForce(_ settings: GatewaySettings) -> String {
        var text = ""
        for setting in Schema.all { text += "\(setting.path): \(setting.text(in: settings))\n" }
        text += settings.providers.isEmpty ? "providers: []\n" : "providers:\n"
        for provider in settings.providers {
            text += "  - name: \(provider.name)\n    kind: \(provider.kind.rawValue)\n"
            text +=
                "    base_url: \(provider.origin.scheme)://\(provider.origin.host):\(provider.origin.port)\(provider.basePath)\n"
            text += "    api_key: \(provider.credential.isEmpty ? "none" : "set")\n"
            if provider.credentials.count > 1 { text += "    # \(provider.credentials.count) credentials\n" }
        }
        for route in settings.routes {
            text += "# route \(route.name) (\(route.pick.rawValue)): \(route.deployments.map(\.deployment).joined(separator: ", "))\n"
        }
        if !settings.prices.isEmpty { text += "# \(settings.prices.count) price rows are overridden\n" }
        return text
    }
}
