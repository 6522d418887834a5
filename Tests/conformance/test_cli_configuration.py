"""The configuration: faults named with file, line and mend; changes taken over whole or not at all."""

import pathlib
import re
import signal
import subprocess

import pytest

import weirkit
from clients import CHAT, call, failure
from gateway import gateway_with

GOOD = "providers:\n  - name: one\n    kind: simulated\n    base_url: http://127.0.0.1:9\n"
EXAMPLE = pathlib.Path(weirkit.ROOT / "weir.example.yaml")


def check(folder, text, **environment):
    path = folder / "weir.yaml"
    path.write_text(text)
    return path, subprocess.run(
        [weirkit.binary(), "config", "check", str(path)], capture_output=True, text=True,
        env=weirkit.clean_environment(**environment))


def test_a_good_file(tmp_path):
    _, done = check(tmp_path, GOOD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok: 1 providers (one)\n", "")


@pytest.mark.parametrize("text,line,words,mend", [
    ("listne: 1.2.3.4:1\n", 1, 'no setting "listne"', 'did you mean "listen"?'),
    ("listen: 8787\n", 0, "host:port", "127.0.0.1:8787"),
    ("limits:\n  header_seconds: soon\n", 2, "limits.header_seconds", "1 to 600"),
    ("limits:\n  header_second: 5\n", 2, "limits.header_second", "limits.header_seconds"),
    ("journal:\n  sync: sometimes\n", 2, "journal.sync", "always"),
    ("require_labels: [colour]\n", 1, "colour", "repository"),
    ("providers: one\n", 1, "must be a list", "- name: openai"),
    ("providers:\n  - name: a\n    kind: teapot\n", 3, 'kind cannot be "teapot"', "openai-compatible"),
    ("providers:\n  - name: a\n    kind: openai\n    colour: red\n", 4, 'no setting "colour"', "docs/configuration.md"),
    ("providers:\n  - name: a\n    kind: openai\n    api_key: sk-clear\n", 4, "may not stand in the file", "${NAME}"),
    ("providers:\n  - name: a\n    kind: openai\n    api_key: ${NO_SUCH}\n", 4, "NO_SUCH is not set", "export NO_SUCH"),
    ("providers:\n  - name: a\n    kind: openai\n    api_key: file:/no/such\n", 4, "/no/such cannot be read", "path and owner"),
    ("providers:\n  - name: a\n    kind: openai-compatible\n", 2, "base_url", "base_url"),
    ("providers:\n  - name: a\n    kind: openai\n    base_url: http://api.example.org\n", 4, "in clear", "base_url"),
    ("providers:\n  - name: a\n    kind: openai\n    base_url: https://u:p@x.org\n", 4, "no user", "base_url"),
    (GOOD + GOOD.split("\n", 1)[1], 5, "two providers named", "name of its own"),
    ("prices:\n  - provider: a\n    model: b\n    input: cheap\n", 4, "input is no price", "USD per million"),
    ("prices:\n  - provider: a\n    input: 1\n", 2, "needs provider and model", "model:"),
    ("prices:\n  - provider: a\n    model: b\n    valid_from: soon\n", 4, "no date", "2026-11-24"),
    ("tls:\n  certificate: /x\n", 0, "go together", "both or neither"),
    ("a: [1\n", None, "not valid YAML", "indentation"),
    ("- 1\n", 1, "must be a mapping", "docs/configuration.md"),
])
def test_a_fault_names_its_file_its_line_and_its_mend(tmp_path, text, line, words, mend):
    path, done = check(tmp_path, text)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(path) in done.stderr and words in done.stderr and mend in done.stderr
    assert "sk-clear" not in done.stderr and "u:p@" not in done.stderr
    if line:
        assert re.search(rf"{re.escape(str(path))}:{line}\b", done.stderr), done.stderr


def test_every_fault_is_named_at_once(tmp_path):
    _, done = check(tmp_path, "listne: 1\njournal:\n  sync: never\nproviders:\n  - kind: teapot\n")
    assert len(re.findall(r"weir\.yaml:\d+", done.stderr)) == 3


def test_the_environment_is_checked_too(tmp_path):
    _, done = check(tmp_path, GOOD, WEIR_LIMITS_HEADER_SECONDS="soon")
    assert done.returncode == 1 and "WEIR_LIMITS_HEADER_SECONDS" in done.stderr


def test_the_example_is_valid_as_it_is_and_with_its_comments_taken_away(tmp_path):
    _, done = check(tmp_path, EXAMPLE.read_text())
    assert done.returncode == 0, done.stderr
    # Prose begins with a capital or a backquote; a setting is a word and a colon, or lies below one.
    bare = re.sub(r"^# (?=[a-z_]+:(?: |$)| )", "", EXAMPLE.read_text(), flags=re.M)
    bare = bare.replace("file:/run/secrets/anthropic", f"file:{__file__}").replace(f"file:{__file__}", "${OPENAI_API_KEY}")
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", bare), "sk-test")
    _, done = check(tmp_path, bare, **secrets)
    assert (done.returncode, done.stdout) == (
        0, "ok: 6 providers (openai, anthropic, gemini, azure, bedrock, inhouse)\n"), done.stderr


def test_init_writes_the_example(tmp_path):
    subprocess.run([weirkit.binary(), "init", "--data", str(tmp_path / "d"), "--config", str(tmp_path / "weir.yaml")],
                   check=True, capture_output=True, env=weirkit.clean_environment())
    assert (tmp_path / "weir.yaml").read_text().strip() == EXAMPLE.read_text().strip()


def test_what_is_in_force_is_shown_without_secrets(tmp_path):
    path = tmp_path / "weir.yaml"
    path.write_text("providers:\n  - name: o\n    kind: openai\n    api_key: ${OPENAI_API_KEY}\n")
    done = subprocess.run([weirkit.binary(), "config", "show", "--config", str(path)], capture_output=True, text=True,
                          env=weirkit.clean_environment(OPENAI_API_KEY="sk-very-secret"))
    assert done.returncode == 0 and "sk-very-secret" not in done.stdout
    assert "limits.header_seconds: 10" in done.stdout and "api_key: set" in done.stdout


# MARK: Reload

@pytest.fixture()
def running():
    with gateway_with() as gateway:
        yield gateway


def requires_a_label(gateway):
    try:
        call(gateway, CHAT)
        return False
    except Exception as error:
        return "x-weir-repo" in str(error)


def test_a_changed_file_is_taken_over_without_a_restart(running):
    path = running.weir.config_path
    path.write_text(path.read_text() + "require_labels: [repository]\n")
    weirkit.wait_until(lambda: requires_a_label(running), what="the new policy")
    assert "configuration reloaded" in running.weir.process.text


def test_sighup_reloads(running):
    path = running.weir.config_path
    path.write_text(path.read_text() + "require_labels: [repository]\n")
    running.weir.process.child.send_signal(signal.SIGHUP)
    running.weir.process.wait_for_line("SIGHUP.*configuration reloaded")
    assert requires_a_label(running)


def test_a_file_with_a_fault_changes_nothing_at_all(running):
    path = running.weir.config_path
    good = path.read_text()
    path.write_text(good + "require_labels: [repository]\nlimits:\n  json_depth_max: deep\n")
    running.weir.process.child.send_signal(signal.SIGHUP)
    running.weir.process.wait_for_line(rf"kept as it was.*{re.escape(str(path))}:\d+.*json_depth_max")
    assert not requires_a_label(running)
    path.write_text(good + "require_labels: [repository]\n")
    weirkit.wait_until(lambda: requires_a_label(running), what="the mended file")


def test_a_provider_that_is_gone_serves_no_more_and_a_new_one_serves(running):
    path = running.weir.config_path
    second = f"  - name: second\n    kind: simulated\n    base_url: {running.simulation.url}\n    models: [fresh]\n"
    path.write_text(path.read_text() + second)
    status, _ = running.admin("POST", "/config/reload")
    assert status == 200
    assert call(running, CHAT, model="fresh").model == "fresh"
    path.write_text(path.read_text().replace("models: [fresh]", "models: [stale]"))
    assert running.admin("POST", "/config/reload")[0] == 200
    assert failure(running, CHAT, model="fresh").status == 404
