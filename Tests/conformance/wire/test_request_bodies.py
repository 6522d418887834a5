"""Random request bodies: what Weir accepts reaches the provider byte for byte; what could be read in two ways, or is no JSON,
is refused with 400 in the caller's dialect before anything goes upstream."""

import json
import random
import string

import pytest

from rawhttp import request
from rawprovider import answer_ok, plain

CASES = 240
ACTED_ON = [
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "n",
    "service_tier",
    "previous_response_id",
    "background",
    "metadata",
]


class Writer:
    """Writes JSON with a seed's taste in white space, escapes and numbers."""

    def __init__(self, seed):
        self.dice = random.Random(seed)

    def space(self):
        return "".join(self.dice.choice(" \t\r\n") for _ in range(self.dice.choice([0, 0, 0, 1, 3])))

    def text(self, text, escapes=0.1):
        out = '"'
        for character in text:
            code = ord(character)
            if character in '"\\' or code < 32:
                out += f"\\u{code:04x}" if self.dice.random() < 0.5 or code < 32 else "\\" + character
            elif code < 0x10000 and self.dice.random() < escapes:
                out += self.dice.choice([f"\\u{code:04x}", f"\\u{code:04X}"])
            else:
                out += character
        return out + '"'

    def number(self):
        return self.dice.choice(
            [
                "0",
                "-0",
                "1",
                "-17",
                "0.5",
                "1e400",
                "-1E-400",
                "1.0e+10",
                "123456789012345678901234567890",
                "9223372036854775808",
                "0.1000000000000000055511151231257827",
                "-0.0",
            ]
        )

    def value(self, depth=0):
        kind = self.dice.random()
        if depth > 5 or kind < 0.35:
            return self.dice.choice([self.number(), "true", "false", "null", self.string(), self.string()])
        if kind < 0.65:
            return (
                "["
                + ",".join(self.space() + self.value(depth + 1) + self.space() for _ in range(self.dice.randrange(4)))
                + self.space()
                + "]"
            )
        return self.members([(self.key(), self.value(depth + 1)) for _ in range(self.dice.randrange(4))])

    def string(self):
        alphabet = string.ascii_letters + ' "\\/\b\f\n\r\t\x00\x1fäß日本😀\u2028\u2029\ufeff'
        odd = self.dice.choice(["", "\\ud800", "\\udc00\\ud800", '{\\"model\\":\\"x\\"}', "[DONE]"])
        return self.text("".join(self.dice.choice(alphabet) for _ in range(self.dice.randrange(12))))[:-1] + odd + '"'

    def key(self):
        # Unknown names, and known ones where they mean nothing: inside other objects.
        names = ["x", "", "z_vendor", "models", "strea", "modeln", "\u017ftream", "model ", "größe", "a" * 200, "n\u0000"]
        return self.dice.choice(names)

    def members(self, pairs):
        written = [self.space() + self.text(k, 0.3) + self.space() + ":" + self.space() + v + self.space() for k, v in pairs]
        return "{" + ",".join(written) + self.space() + "}"

    def body(self, known):
        pairs = [(name, text) for name, text in known.items()]
        names = set(known)
        for _ in range(self.dice.randrange(8)):
            name = self.key() + str(self.dice.randrange(1000))
            if name not in names:
                names.add(name)
                pairs.append((name, self.value()))
        self.dice.shuffle(pairs)
        return (self.space() + self.members(pairs) + self.space()).encode("utf-8", "surrogatepass")


def known_members(writer):
    known = {"model": writer.text("gpt-5.4-mini", 0.3), "messages": '[{"role":"user","content":' + writer.string() + "}]"}
    optional = {
        "n": "1",
        "service_tier": '"auto"',
        "max_tokens": "5",
        "max_completion_tokens": "99999999999999999999",
        "stream": writer.dice.choice(["false", "null"]),
        "metadata": writer.members([("model", '"inner"'), ("Stream", "true")]),
        "temperature": "0.7",
        "tools": '[{"type":"function","function":{"name":"f"}}]',
        "stream_options": '{"include_usage":true}',
    }
    for name in writer.dice.sample(sorted(optional), writer.dice.randrange(5)):
        known[name] = optional[name]
    return known


def test_accepted_bodies_arrive_byte_identical(shared):
    shared.provider.answer = answer_ok
    client = shared.client()
    for seed in range(CASES):
        writer = Writer(seed)
        body = writer.body(known_members(writer))
        shared.provider.forget()
        client.send(request(shared.key, body))
        response = client.response()
        assert response.status == 200, (seed, response.body, body)
        assert shared.provider.wait_for(1)[0].body == body, seed


def test_a_large_body_in_pieces_is_one_body_and_ends_where_the_next_request_begins(shared):
    # Large bodies are taken from the socket in large pieces: none of them may be lost, doubled, or eat into what comes behind.
    shared.provider.answer = answer_ok
    for seed in range(6):
        dice = random.Random(seed)
        text = "".join(dice.choice(string.ascii_letters + '\n"\\') for _ in range(4096)) * dice.choice([20, 90, 300, 1200])
        bodies = [
            json.dumps({"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": content}]}).encode()
            for content in (text, f"behind {seed}")
        ]
        shared.provider.forget()
        with shared.client() as client:
            wire = b"".join(request(shared.key, body) for body in bodies)
            place = 0
            while place < len(wire):
                size = dice.choice([1, 700, 5_000, 66_000, 300_000, 3_000_000])
                client.send(wire[place : place + size])
                place += size
            assert [client.response().status for _ in bodies] == [200, 200]
        assert [one.body for one in shared.provider.wait_for(2)] == bodies, seed


def test_a_client_that_goes_in_the_middle_of_a_large_body_was_no_request(shared):
    shared.provider.answer = answer_ok
    shared.provider.forget()
    body = json.dumps({"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "x" * 2_000_000}]}).encode()
    for sent in (300_000, len(body) - 1):
        with shared.client() as client:
            whole = request(shared.key, body)
            client.send(whole[: len(whole) - len(body) + sent])
    with shared.client() as client:
        client.send(request(shared.key, body))
        assert client.response().status == 200
    assert [one.body for one in shared.provider.wait_for(1)] == [body]


def test_a_head_that_comes_again_says_nothing_of_the_model(shared):
    # What follows from a head and its key is kept on a connection; what the body asks for is not part of that.
    shared.provider.answer = answer_ok
    keys = {shared.key: "free", shared.weir.key("--model", "gpt-5.4-mini"): "bound"}
    asked = {
        "gpt-5.4-mini": ("openai", "gpt-5.4-mini"), "kimi-k3": ("other", "kimi-k3"), "fast": ("openai", "gpt-5.4-mini"),
        "other/house-1": ("other", "house-1"), "no-such-model": None,
    }
    dice = random.Random(4)
    with shared.client() as client:
        for key, _ in [dice.choice(list(keys.items())) for _ in range(60)]:
            model = dice.choice(list(asked))
            client.send(request(key, json.dumps({"model": model, "messages": []}).encode()))
            response = client.response()
            found = asked[model]
            if found is None:
                assert response.status == 404, (model, response.body)
            elif keys[key] == "bound" and found[1] != "gpt-5.4-mini":
                assert response.status == 403, (model, response.body)
            else:
                assert response.status == 200 and response["x-weir-deployment"] == "/".join(found), (model, response.raw_head)


def test_streaming_bodies_get_one_splice_and_nothing_else(shared):
    shared.provider.answer = lambda _, connection: connection.sendall(plain()) or True
    client = shared.client()
    for seed in range(CASES // 2):
        writer = Writer(1000 + seed)
        known = dict(known_members(writer), stream="true")
        options = writer.dice.choice([None, "{}", "{ }", '{"include_usage" : false}', '{"include_obfuscation":true,"x":[1]}', "null"])
        known.pop("stream_options", None)
        if options:
            known["stream_options"] = options
        body = writer.body(known)
        shared.provider.forget()
        client.send(request(shared.key, body))
        assert client.response().status == 200, (seed, body)
        got = shared.provider.wait_for(1)[0].body
        end = body.rindex(b"}")
        spliced = {
            None: body[:end] + b',"stream_options":{"include_usage":true}' + body[end:],
            "{}": body.replace(b"{}", b'{"include_usage":true}'),
            "{ }": body.replace(b"{ }", b'{ "include_usage":true}'),
        }.get(options)
        if spliced and (options is None or body.count(options.encode()) == 1):
            assert got == spliced, seed
        assert b'"include_usage":true' in got.replace(b" ", b""), seed


def doubled(name, text, second):
    return ('{"model":"gpt-5.4-mini","messages":[],"%s":%s,"%s":%s}' % (name, text, second, text)).encode()


AMBIGUOUS = [
    *[(f"{name} twice", doubled(name, '"auto"' if name == "service_tier" else "1", name)) for name in ACTED_ON if name != "model"],
    *[(f"{name} in capitals", ('{"model":"gpt-5.4-mini","%s":1}' % name.title()).encode()) for name in ACTED_ON if name != "model"],
    ("model twice", b'{"model":"gpt-5.4-mini","model":"gpt-5.4"}'),
    ("model twice, once escaped", b'{"model":"gpt-5.4-mini","mod\\u0065l":"gpt-5.4"}'),
    ("model twice, wholly escaped", b'{"\\u006d\\u006f\\u0064\\u0065\\u006c":"gpt-5.4","model":"gpt-5.4-mini"}'),
    ("Model beside model", b'{"model":"gpt-5.4-mini","Model":"gpt-5.4"}'),
    ("MODEL alone", b'{"MODEL":"gpt-5.4-mini"}'),
    ("an escaped case variant", b'{"model":"gpt-5.4-mini","\\u004dodel":"gpt-5.4"}'),
    ("stream twice with other words between", b'{"stream":false,"model":"gpt-5.4-mini","a":{},"stre\\u0061m":true}'),
    ("the long s", '{"model":"gpt-5.4-mini","\u017ftream":true}'.encode()),
    ("the long s, escaped", b'{"model":"gpt-5.4-mini","\\u017ftream":true}'),
    ("the Kelvin sign", '{"model":"gpt-5.4-mini","bac\u212aground":true}'.encode()),
    ("include_usage twice", b'{"model":"gpt-5.4-mini","stream":true,"stream_options":{"include_usage":false,"include_us\\u0061ge":true}}'),
    ("client_metadata twice", b'{"model":"gpt-5.4-mini","client_metadata":{},"client_metadata":{}}'),
]
MALFORMED = [
    ("nothing", b""),
    ("white space", b" \n"),
    ("an array", b"[]"),
    ("a string", b'"x"'),
    ("no end", b'{"model":"gpt-5.4-mini"'),
    ("two values", b'{"model":"gpt-5.4-mini"}{}'),
    ("a comma too many", b'{"model":"gpt-5.4-mini",}'),
    ("single quotes", b"{'model':'gpt-5.4-mini'}"),
    ("a comment", b'{"model":"gpt-5.4-mini"/**/}'),
    ("NaN", b'{"model":"gpt-5.4-mini","x":NaN}'),
    ("a leading zero", b'{"model":"gpt-5.4-mini","x":01}'),
    ("a bare plus", b'{"model":"gpt-5.4-mini","x":+1}'),
    ("a raw line feed in a string", b'{"model":"gpt-5.4-mini","x":"a\nb"}'),
    ("a raw NUL in a string", b'{"model":"gpt-5.4-mini","x":"a\x00b"}'),
    ("a bad escape", b'{"model":"gpt-5.4-mini","x":"\\x41"}'),
    ("a short escape", b'{"model":"gpt-5.4-mini","x":"\\u12"}'),
    ("a byte order mark", b'\xef\xbb\xbf{"model":"gpt-5.4-mini"}'),
    ("UTF-16", '{"model":"gpt-5.4-mini"}'.encode("utf-16")),
    ("NUL behind the value", b'{"model":"gpt-5.4-mini"}\x00'),
    ("129 levels", b'{"model":"gpt-5.4-mini","x":' + b"[" * 128 + b"]" * 128 + b"}"),
    ("a million levels", b'{"model":"gpt-5.4-mini","x":' + b"[" * 1_000_000),
    ("no model", b'{"messages":[]}'),
    ("a model that is no string", b'{"model":["gpt-5.4-mini"]}'),
    ("an empty model", b'{"model":""}'),
    ("null as model", b'{"model":null}'),
    # A parser that drops the byte reads another key.
    ("invalid UTF-8 in a key", b'{"model":"gpt-5.4-mini","mod\xffel":"x"}'),
    ("a key cut inside a character", b'{"model":"gpt-5.4-mini","stream\xc3":true}'),
]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
@pytest.mark.parametrize("name, body", AMBIGUOUS + MALFORMED, ids=[name for name, _ in AMBIGUOUS + MALFORMED])
def test_a_body_that_can_be_read_in_two_ways_is_refused(shared, path, name, body):
    if path == "/v1/messages":
        body = body.replace(b"gpt-5.4-mini", b"claude-haiku-4-5")
    shared.provider.forget()
    shared.provider.answer = answer_ok
    with shared.client() as client:
        client.send(request(shared.key, body, path))
        response = client.response()
        assert response.status == 400, response.body
        error = json.loads(response.body)["error"]
        assert error["message"] and error["type"] == "invalid_request_error"
        assert response["x-should-retry"] == "false"
        if path == "/v1/messages":
            assert json.loads(response.body)["type"] == "error"
        else:
            assert error["code"] in ("duplicate_field", "malformed_json", "json_too_deep", "missing_model"), error
        # The connection serves on, and nothing of the refused body is taken for a request.
        good = b'{"model":"claude-haiku-4-5"}' if path == "/v1/messages" else b'{"model":"gpt-5.4-mini"}'
        client.send(request(shared.key, good, path))
        assert client.response().status == 200
    assert [received.body for received in shared.provider.wait_for(1)] == [good]


def test_128_levels_are_allowed(shared):
    shared.provider.answer = answer_ok
    body = b'{"model":"gpt-5.4-mini","x":' + b"[" * 127 + b"]" * 127 + b"}"
    shared.provider.forget()
    assert shared.call(body).status == 200
    assert shared.provider.wait_for(1)[0].body == body


@pytest.mark.parametrize("text", [b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe", b"\\ud800"])
def test_text_that_is_no_unicode_is_the_providers_to_judge(shared, text):
    shared.provider.answer = answer_ok
    body = b'{"model":"gpt-5.4-mini","messages":[{"role":"user","content":"' + text + b'"}]}'
    shared.provider.forget()
    assert shared.call(body).status == 200
    assert shared.provider.wait_for(1)[0].body == body


def test_nested_names_are_nobodys_business(shared):
    shared.provider.answer = answer_ok
    body = b'{"messages":[{"model":1,"model":2,"Stream":3}],"model":"gpt-5.4-mini","response_format":{"n":1,"n":2,"N":3}}'
    shared.provider.forget()
    assert shared.call(body).status == 200
    assert shared.provider.wait_for(1)[0].body == body


def test_a_post_without_any_framing_is_told_to_send_a_length(shared):
    shared.provider.forget()
    with shared.client() as client:
        client.send(request(shared.key, length=False))
        response = client.response()
        assert response.status == 411 and json.loads(response.body)["error"]["code"] == "length_required"
    assert not shared.provider.requests
