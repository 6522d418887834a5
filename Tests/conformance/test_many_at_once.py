"""Many agents at once by the SDKs' asynchronous clients: every answer is its own, and the ledger's sum is theirs."""

import asyncio

import anthropic
import openai

from listed import anthropic_classes, chat_classes, cost_nano_usd, responses_classes

COUNT = 25


async def chat(client, number):
    chunks = [chunk async for chunk in await client.chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": f"Agent {number}"}], stream=True,
        stream_options={"include_usage": True},
        extra_headers={"x-weir-session": f"chat-{number}", "x-sim-output-tokens": str(100 + number), "x-sim-pace-ms": "3"})]
    assert chunks[-1].usage.completion_tokens == 100 + number
    return f"chat-{number}", cost_nano_usd("gpt-5.4-mini", chat_classes(chunks[-1].usage))


async def respond(client, number):
    async with client.responses.stream(
            model="gpt-6.1-sol", input=f"Agent {number}",
            extra_headers={"x-weir-session": f"responses-{number}", "x-sim-output-tokens": str(100 + number)}) as stream:
        answer = await stream.get_final_response()
    return f"responses-{number}", cost_nano_usd("gpt-6.1-sol", responses_classes(answer.usage))


async def message(client, number):
    async with client.messages.stream(
            model="claude-opus-5-5", max_tokens=900, messages=[{"role": "user", "content": f"Agent {number}"}],
            extra_headers={"x-weir-session": f"messages-{number}", "x-sim-output-tokens": str(100 + number)}) as stream:
        answer = await stream.get_final_message()
    return f"messages-{number}", cost_nano_usd("claude-opus-5-5", anthropic_classes(answer.usage))


def test_every_answer_is_its_own_and_every_cost_is_right(gateway):
    async def run():
        async with (openai.AsyncOpenAI(base_url=f"{gateway.weir.url}/v1", api_key=gateway.key) as first,
                    anthropic.AsyncAnthropic(base_url=gateway.weir.url, api_key=gateway.key) as second):
            work = [make(first, number) for make in (chat, respond) for number in range(COUNT)]
            return dict(await asyncio.gather(*work, *(message(second, number) for number in range(COUNT))))

    costs = asyncio.run(run())
    report = gateway.weir.json("report", "spend", "--by", "session")
    assert {row["labels"][0]: row["cost_nano_usd"] for row in report["rows"]} == costs
    assert report["total"]["turns"] == 3 * COUNT and report["total"]["errors"] == 0
