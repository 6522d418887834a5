// ExampleConfiguration: the commented file that `weir init --config` writes; `weir.example.yaml` in the repository is the same.

/// A configuration that starts as it is, with everything else as comments.
package let exampleConfiguration = """
    # Weir's configuration. Everything here may be left out; docs/configuration.md lists every setting.
    # `weir config check weir.yaml` names each fault with its place and its mend. A changed file is taken over
    # whole or not at all, without a restart.

    listen: 127.0.0.1:8787
    data: ./weir-data

    # tls:
    #   certificate: /etc/weir/tls.crt
    #   private_key: /etc/weir/tls.key

    # The address by which clients reach the gateway, where a proxy or several names stand before it.
    # public_url: https://weir.acme.example

    # Without this list, providers come from OPENAI_API_KEY, ANTHROPIC_API_KEY, OLLAMA_HOST, VLLM_BASE_URL and so on.
    # providers:
    #   - name: openai
    #     kind: openai
    #     api_key: ${OPENAI_API_KEY}
    #   - name: anthropic
    #     kind: anthropic
    #     api_key: file:/run/secrets/anthropic
    #   - name: gemini
    #     kind: gemini
    #     api_key: ${GEMINI_API_KEY}
    #   - name: azure
    #     kind: azure-openai
    #     base_url: https://acme.openai.azure.com
    #     api_key: ${AZURE_OPENAI_API_KEY}
    #     models: [prod-large]
    #     price_models: {prod-large: gpt-6.1-sol}
    #   - name: bedrock
    #     kind: bedrock
    #     region: eu-west-1
    #     api_key: ${AWS_BEARER_TOKEN_BEDROCK}
    #   - name: inhouse
    #     kind: openai-compatible
    #     base_url: http://10.1.2.3:8000/v1
    #     allow_private_addresses: true
    #     models: ["qwen3-*"]
    #     health: {path: /health, seconds: 10}

    # A model name with several deployments: when one fails before the first byte, the turn goes on at the next.
    # See docs/routing.md for conditions, weights, tiers and breakers.
    # routes:
    #   - model: sonnet
    #     first_byte_seconds: 60
    #     deployments:
    #       - anthropic/claude-sonnet-4-5
    #       - inhouse/qwen3-coder-30b
    #   - model: summaries
    #     cache: {seconds: 3600, scope: team}
    #     deployments: [anthropic/claude-haiku-4-5]

    # A turn whose provider's prompt cache was lost says what changed first; docs/caching.md.
    # prompt_cache_watch: yes

    # Prices of your own, in USD per million tokens; they go before Weir's list.
    # prices:
    #   - provider: inhouse
    #     model: qwen3-*
    #     input: "0.05"
    #     output: "0.20"

    # Budgets are money, usage limits anything else; docs/budgets.md. `weir budget template` prints four tiers.
    # budgets:
    #   - name: web-monthly
    #     for: {team: web}
    #     usd: "500"
    #     window: month
    #     zone: Europe/Berlin
    #     contact: finance@acme.example
    # usage_limits:
    #   - {name: at-once, group_by: [developer], limit: 8, unit: concurrent}

    # Agents that run away: off, alert, throttle or pause; docs/runaway.md.
    # runaway:
    #   repeated_calls: pause
    #   growing_context: alert
    #   burn_rate: alert
    #   high_cost: pause
    #   session_usd_max: 25
    #   contact: platform@acme.example

    # alerts:
    #   - {name: ops, kind: webhook, url: "https://ops.acme.example/weir", secret: "${ALERT_SECRET}"}

    # require_labels: [repository]

    journal:
      sync: interval
      retention_days: 30

    """
