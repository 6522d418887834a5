"""A developer's laptop: a fresh HOME, a fresh clone of acme/shop, and the real agent programs, pointed at Weir as a developer does it.

Nothing of a program is changed. Its environment holds only what is set here, and every way out but loopback leads to a closed port.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import weirkit

ROOT = weirkit.ROOT
PACKAGES = ROOT / ".venv-agents/lib"
# A remote as people have it: a password inside, the host in mixed case, `.git` at the end.
REMOTE = "https://user:s3cret@GitHub.com/acme/shop.git"
BRANCH = "feature/checkout"
REPOSITORY = "github.com/acme/shop"


def program(pattern, where=PACKAGES):
    """The one file below the packages that the pattern names. A missing program is a failure, never a skip."""
    found = sorted(where.glob(f"python3*/site-packages/{pattern}"))
    assert found, f"{pattern} is not installed: run `sh Tests/agents/venv.sh`"
    return str(found[0])


def codex_program():
    return program("codex_cli_bin/bin/codex")


def claude_program():
    return program("claude_agent_sdk/_bundled/claude")


def script(name, venv=".venv-agents"):
    path = ROOT / venv / "bin" / name
    assert path.exists(), f"{path} is not installed: run `sh Tests/agents/venv.sh`"
    return str(path)


class Run:
    """What a program did."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def text(self):
        """All that the developer saw, on one line: programs wrap long messages at the width of a terminal."""
        return " ".join((self.out + "\n" + self.err).split())

    def __repr__(self):
        return f"exit code {self.code}\n--- out\n{self.out[-4000:]}\n--- err\n{self.err[-4000:]}"


class Laptop:
    """One developer's machine."""

    def __init__(self):
        # Codex refuses to work with a HOME below the system's folder for temporary files.
        parent = ROOT / ".build-agents"
        parent.mkdir(exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="laptop-", dir=parent))
        self.home = self.folder / "home"
        self.home.mkdir()
        self.repository = self.folder / "shop"
        self.repository.mkdir()
        (self.repository / "README.md").write_text("# Shop\n")
        for arguments in (
            ["init", "--quiet", "--initial-branch", BRANCH], ["config", "user.email", "maria@acme.example"],
            ["config", "user.name", "Maria"], ["remote", "add", "origin", REMOTE], ["add", "."],
            ["commit", "--quiet", "--message", "Start"],
        ):
            self.git(*arguments)
        self.commit = self.git("rev-parse", "HEAD")

    def git(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.repository, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def run(self, arguments, environment=None, seconds=60, until=None):
        """Runs a program to its end, or until it has printed `until`. One that has not ended in time is killed and fails the test."""
        closed = "http://127.0.0.1:9"
        variables = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "TERM": "dumb", "COLUMNS": "200",
            "PYTHONUNBUFFERED": "1", "HTTP_PROXY": closed, "HTTPS_PROXY": closed, "NO_PROXY": "127.0.0.1,localhost",
            **(environment or {}),
        }
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            child = subprocess.Popen(
                arguments, cwd=self.repository, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True)

        def run():
            return Run(child.poll(), *((self.folder / name).read_text(errors="replace") for name in ("out", "err")))

        try:
            weirkit.wait_until(
                lambda: child.poll() is not None or (until and until in run().text), seconds, f"the end of {arguments[0]}")
        except AssertionError as late:
            raise AssertionError(f"{late}: {run()}") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return run()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, client, gateway, key, *arguments):
        """The one command that a developer types, in the repository."""
        if client == "aider":
            self.keep_price_list()
        run = self.run([weirkit.binary(), "connect", client, "--gateway", gateway.url, "--key", key, *arguments])
        assert run.code == 0 and key not in run.text, run
        return run

    @property
    def credential(self):
        """The shim, where `weir connect` puts it."""
        return str(self.home / ".config/weir/credential")

    def keep_price_list(self):
        """Aider asks the network for a price list unless it has one of today."""
        caches = self.home / ".aider/caches"
        caches.mkdir(parents=True, exist_ok=True)
        (caches / "model_prices_and_context_window.json").write_text('{"none": {}}')

    # MARK: The programs

    def codex(self, gateway, key, prompt, *arguments, provider="gw", model="gpt-5.5", settings="", seconds=60):
        """`codex exec` with a provider of our own, or with the built-in one at another address (`provider="openai"`)."""
        if provider == "openai":
            text = f'openai_base_url = "{gateway.url}/v1"\n'
            variables = {"CODEX_API_KEY": key}
        else:
            text = f'model_provider = "{provider}"\n'
            variables = {"WEIR_KEY": key}
        text += f'model = "{model}"\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n'
        if provider != "openai":
            text += (
                f'[model_providers.{provider}]\nname = "Weir"\nbase_url = "{gateway.url}/v1"\nwire_api = "responses"\n'
                f'env_key = "WEIR_KEY"\n{settings}')
        (self.home / ".codex").mkdir(exist_ok=True)
        (self.home / ".codex/config.toml").write_text(text)
        # The script's commands are its own `echo`; a sandbox of kernel features is not what is tested.
        return self.run(
            [codex_program(), "exec", "--sandbox", "danger-full-access", *arguments, prompt], variables, seconds)

    def claude(self, gateway, key, prompt, *arguments, model="claude-sonnet-4-5", environment=None, seconds=60):
        """`claude -p`, with the tools allowed that the script uses."""
        return self.run(
            [claude_program(), "-p", prompt, "--output-format", "json", "--model", model, "--allowedTools",
             "Bash Read Glob Grep Task Agent", *arguments],
            {"ANTHROPIC_BASE_URL": gateway.url, "ANTHROPIC_AUTH_TOKEN": key, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
             **(environment or {})}, seconds)

    def mini(self, gateway, key, task, headers=None, model="gpt-5.2", attempts=None, seconds=90):
        """`mini`, set up by its own configuration language."""
        kwargs = {"api_base": f"{gateway.url}/v1", "api_key": key, "extra_headers": headers or {}}
        overrides = self.folder / "mini-weir.yaml"
        overrides.write_text(json.dumps({"model": {"model_kwargs": kwargs}, "agent": {"step_limit": 8}}))
        variables = {
            "MSWEA_CONFIGURED": "true", "MSWEA_COST_TRACKING": "ignore_errors", "MSWEA_SILENT_STARTUP": "1",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        if attempts:
            variables["MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT"] = str(attempts)
        return self.run(
            [script("mini"), "--model", f"openai/{model}", "--yolo", "--exit-immediately", "--config", "mini.yaml",
             "--config", str(overrides), "--task", task], variables, seconds)

    def aider(self, gateway, key, message, *arguments, headers=None, model="gpt-5.2", seconds=90, until=None):
        """`aider` for one message."""
        settings = [{"name": "aider/extra_params", "extra_params": {"extra_headers": headers or {}}}]
        (self.folder / "aider-models.yml").write_text(json.dumps(settings))
        self.keep_price_list()
        return self.run(
            [script("aider", ".venv-agents-aider"), "--model", f"openai/{model}", "--model-settings-file",
             str(self.folder / "aider-models.yml"), "--message", message, "--yes-always", "--no-check-update",
             "--analytics-disable", "--no-show-model-warnings", "--no-show-release-notes", "--map-tokens", "0",
             "--no-gitignore", "--no-fancy-input", "--no-pretty", *arguments],
            {"OPENAI_API_BASE": f"{gateway.url}/v1", "OPENAI_API_KEY": key, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            seconds, until)
