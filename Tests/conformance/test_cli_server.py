"""Starting and stopping, the first key, a folder of one's own, verbs with and without a server, help and exit codes."""

import re
import subprocess
import threading

import openai
import pytest

import weirkit
from clients import CHAT, call
from gateway import Gateway, gateway_with


def weir(*arguments, **environment):
    return subprocess.run(
        [weirkit.binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60,
        env=weirkit.clean_environment(**environment))


def test_init_then_serve_then_the_first_call(tmp_path):
    made = weir("init", "--data", tmp_path / "data")
    secret = made.stdout.strip()
    assert made.returncode == 0 and secret.startswith("weir_k_") and "weir serve --data" in made.stderr
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    again = weir("init", "--data", tmp_path / "data")
    assert (again.returncode, again.stdout) == (1, "") and "weir key list" in again.stderr
    simulation = weirkit.Simulation()
    server = weirkit.Weir(tmp_path, weirkit.simulated_configuration(simulation)).start()
    try:
        assert "weir_k_" not in server.process.text
        assert call(Gateway(server, simulation), CHAT, key=secret).choices
        assert (server.data / "weir.sock").stat().st_mode & 0o077 == 0
    finally:
        assert server.stop() == 0
        simulation.kill()
    assert not (server.data / "weir.sock").exists()


def test_init_makes_no_key_that_nobody_sees(tmp_path):
    (tmp_path / "weir.yaml").write_text("")
    refused = weir("init", "--data", tmp_path / "data", "--config", tmp_path / "weir.yaml")
    assert refused.returncode == 1 and "name another file" in refused.stderr
    assert weir("init", "--data", tmp_path / "data").stdout.startswith("weir_k_")


def test_a_second_server_on_the_same_folder_is_refused(gateway):
    second = weir("serve", "--data", gateway.weir.data, "--config", gateway.weir.config_path, "--listen", "127.0.0.1:0")
    assert second.returncode == 1 and "another server works in" in second.stderr and "--data" in second.stderr
    assert call(gateway, CHAT).choices
    assert weir("init", "--data", gateway.weir.data).returncode == 1


def test_a_port_that_is_taken_is_named(gateway, tmp_path):
    done = weir("serve", "--data", tmp_path, "--listen", f"127.0.0.1:{gateway.weir.port}")
    assert done.returncode == 1 and f"cannot listen on 127.0.0.1:{gateway.weir.port}" in done.stderr and "--listen" in done.stderr


@pytest.fixture(scope="module")
def folder():
    """The data folder of a server that worked and has stopped."""
    with gateway_with() as made:
        call(made, CHAT, headers={"x-weir-session": "earlier"})
        turn = made.last_turn()
        made.weir.stop()
        yield made.weir.data, turn


READING = [("key", "list"), ("team", "list"), ("developer", "list"), ("service-account", "list"), ("report", "spend"),
           ("session", "list"), ("session", "show", "earlier"), ("turn", "list"), ("price", "unpriced")]
CHANGING = [("key", "create", "--developer", "owner"), ("key", "revoke", "x"), ("key", "rotate", "x"), ("key", "update", "x"),
            ("team", "create", "t"), ("developer", "create", "d", "--team", "t"), ("price", "rerate"), ("tail",)]


@pytest.mark.parametrize("verb", READING, ids=" ".join)
def test_reading_verbs_work_without_a_server_and_say_so(folder, verb):
    data, turn = folder
    for form in ("table", "csv", "json"):
        done = weir(*verb, "--data", data, "--format", form)
        assert done.returncode == 0 and done.stdout
        assert done.stderr == f"No server works in {data}: this is the store as the last one left it.\n"
    if verb[0] in ("session", "turn", "report"):
        assert str(turn["cost_nano_usd"]) in done.stdout


@pytest.mark.parametrize("verb", CHANGING, ids=" ".join)
def test_changing_verbs_without_a_server_say_how_to_start_one(folder, verb):
    done = weir(*verb, "--data", folder[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[server_not_running]" in done.stderr and f"weir serve --data {folder[0]}" in done.stderr


def test_a_folder_that_is_none(tmp_path):
    done = weir("report", "spend", "--data", tmp_path / "nowhere")
    assert done.returncode == 1 and "no_data_folder" in done.stderr and "weir serve" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_the_doctor_finds_a_healthy_installation_healthy(gateway):
    done = weir("doctor", "--data", gateway.weir.data, "--config", gateway.weir.config_path)
    assert done.returncode == 0, done.stdout
    assert "!!" not in done.stdout and "provider simulated" in done.stdout
    # Without its configuration, beside a server that has one.
    done = weir("doctor", "--data", gateway.weir.data)
    assert done.returncode == 0 and "providers of its own configuration: simulated" in done.stdout and "--config" in done.stdout, done.stdout


def test_the_doctor_names_what_is_wrong_and_what_mends_it(tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "pepper").write_bytes(b"x" * 32)
    (tmp_path / "weir.yaml").write_text(
        f"providers:\n  - name: gone\n    kind: simulated\n    base_url: http://127.0.0.1:{weirkit.free_port()}\n")
    done = weir("doctor", "--data", tmp_path / "data", "--config", tmp_path / "weir.yaml")
    assert done.returncode == 1
    assert "chmod 700" in done.stdout and "gone" in done.stdout and "does not answer" in done.stdout
    assert "WEIR" not in done.stderr
    bare = weir("doctor", "--data", tmp_path / "none")
    assert bare.returncode == 1 and "OPENAI_API_KEY" in bare.stdout


@pytest.mark.parametrize("shell,words", [("bash", "complete"), ("zsh", "#compdef weir"), ("fish", "complete")])
def test_completions(shell, words):
    done = weir("completions", shell)
    assert done.returncode == 0 and words in done.stdout and "service-account" in done.stdout


@pytest.mark.parametrize("arguments", [
    ("--help",), ("key", "--help"), ("help", "report", "spend"), ("report", "spend", "-h"), ("price", "explain", "--help")])
def test_help_is_an_answer(arguments):
    done = weir(*arguments)
    assert done.returncode == 0 and "USAGE: weir" in done.stdout and done.stderr == ""


def test_version():
    assert weir("--version").stdout.strip().count(".") == 2


@pytest.mark.parametrize("arguments,verb", [
    (("report", "spend", "--since", "yesterday"), "report spend"), (("completions", "tcsh"), "completions"),
    (("key", "rotate", "x", "--overlap", "soon"), "key rotate"), (("price", "import", "excel", "x.xls"), "price import")])
def test_a_usage_error_names_the_verb_whose_help_mends_it(arguments, verb):
    assert f"See 'weir {verb} --help'" in weir(*arguments).stderr


@pytest.mark.parametrize("arguments,words", [
    (("nonsense",), "nonsense"), (("key", "create", "--developer"), "--developer"), (("key", "nonsense"), "nonsense"),
    (("report", "spend", "--format", "xml"), "csv"), (("completions", "tcsh"), "bash, zsh and fish"),
    (("price", "import", "excel", "x.xls"), "litellm"), (("turn", "list", "--limit", "many"), "many"), (("session", "show"), "<id>"),
    (("simulate", "--listen", "nowhere"), "HOST:PORT")])
def test_wrong_usage_is_exit_code_2(arguments, words):
    done = weir(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


@pytest.mark.parametrize("variable,address", [("OLLAMA_HOST", "127.0.0.1:{port}"), ("VLLM_BASE_URL", "http://127.0.0.1:{port}/v1")])
def test_without_a_configuration_providers_come_from_the_environment(tmp_path, variable, address):
    simulation = weirkit.Simulation()
    environment = weirkit.clean_environment(**{variable: address.format(port=simulation.port)})
    server = weirkit.Process(
        [weirkit.binary(), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"], environment)
    try:
        port = server.wait_for_line(r"address=127\.0\.0\.1:(\d+).*listening").group(1)
        key = re.search(r"weir_k_\S+", server.text).group(0)
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key)
        answer = client.chat.completions.create(model="qwen3:8b", messages=[{"role": "user", "content": "Hi"}])
        assert answer.model == "qwen3:8b"
    finally:
        server.kill()
        simulation.kill()


def test_a_fault_in_the_environment_names_its_variable():
    done = weir("config", "check", OPENAI_API_KEY="sk-1", OPENAI_BASE_URL="http://api.example.org")
    assert done.returncode == 1 and "OPENAI_BASE_URL" in done.stderr and "sk-1" not in done.stderr


def test_a_stopping_server_lets_running_requests_end(tmp_path):
    with gateway_with("limits:\n  shutdown_seconds: 20\n") as gateway:
        got = []
        client = gateway.openai(headers={"x-sim-chunks": "60", "x-sim-pace-ms": "20"}, max_retries=0)
        stream = client.chat.completions.create(model="gpt-5.4", messages=[{"role": "user", "content": "Go"}], stream=True)
        first = next(iter(stream))
        reader = threading.Thread(target=lambda: got.extend(stream))
        reader.start()
        assert first and gateway.weir.stop() == 0
        reader.join(timeout=30)
        assert got[-1].choices[0].finish_reason == "stop"
        assert gateway.weir.json("report", "spend")["total"]["turns"] == 1
