"""bedrock_kit: the models, providers and secrets of the tests of AWS Bedrock."""

CLAUDE = "us.anthropic.claude-opus-5-5"
NOVA = "amazon.nova-2-lite"
# Of a provider that is told by headers what to do.
SCRIPTED = "scripted/scripted.anthropic.claude-opus-5-5"
ARN = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{CLAUDE}"
MODELS = {"bedrock": CLAUDE, "chat": "gpt-5.4-mini", "responses": "gpt-6.1-sol", "messages": "claude-opus-4-8"}
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PROVIDERS = """  - name: bedrock
    kind: bedrock
    base_url: {simulation}
    allow_private_addresses: true
    api_key: ${BEDROCK_TOKEN}
  - name: signed
    kind: bedrock
    base_url: {simulation}
    allow_private_addresses: true
    region: eu-west-1
    access_key_id: AKIDEXAMPLE
    secret_access_key: ${AWS_TEST_SECRET}
    session_token: ${AWS_TEST_SESSION}
    models: [signed.*, "arn:aws*"]
  - name: scripted
    kind: simulated
    base_url: {simulation}
    dialects: [bedrock_converse, bedrock_invoke]
    models: [scripted.anthropic.*]
  - name: chat
    kind: simulated
    base_url: {simulation}
    dialects: [openai_chat]
    models: [gpt-5.4-mini]
  - name: responses
    kind: simulated
    base_url: {simulation}
    dialects: [openai_responses]
    models: [gpt-6.1-sol]
  - name: messages
    kind: simulated
    base_url: {simulation}
    dialects: [anthropic_messages]
    models: [claude-opus-4-8]
"""
ENVIRONMENT = {"BEDROCK_TOKEN": "bedrock-api-key-1", "AWS_TEST_SECRET": SECRET, "AWS_TEST_SESSION": "session/token+1="}
