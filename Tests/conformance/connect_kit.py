"""A developer's machine: a home of its own, a repository with a remote, and `weir connect` in it."""

import json
import os
import pathlib
import subprocess
import tomllib

import dotenv
import weirkit
import yaml

CLIENTS = ["opencode", "claude-code", "codex", "crush", "aider", "mini-swe-agent", "gemini-cli", "cline", "continue", "env"]
REPOSITORY = "github.com/acme/shop"


class Machine:
    """A home folder, a working folder, and the binary."""

    def __init__(self, folder, gateway=None):
        self.root = pathlib.Path(folder)
        self.home = self.root / "home"
        self.system = self.root / "system"
        self.work = self.root / "work"
        for path in (self.home, self.system, self.work):
            path.mkdir(parents=True)
        self.gateway = gateway
        self.environment = {}

    @property
    def url(self):
        return self.gateway.weir.url

    @property
    def key(self):
        return self.gateway.key

    def git(self, *arguments, cwd=None):
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        subprocess.run(["git", *arguments], cwd=cwd or self.work, env=environment, check=True, capture_output=True)

    def repository(self, remote="https://token@GitHub.com/acme/shop.git", branch="topic"):
        """Makes the working folder a repository with a remote."""
        self.git("init", "-q", "-b", branch)
        self.git("-c", "user.name=m", "-c", "user.email=m@x", "commit", "-q", "--allow-empty", "-m", "one")
        if remote:
            self.git("remote", "add", "origin", remote)
        return self.work

    def run(self, *arguments, status=0, cwd=None, **extra):
        environment = weirkit.clean_environment(**{"HOME": str(self.home), **self.environment, **extra})
        done = subprocess.run(
            [weirkit.binary(), *map(str, arguments)], env=environment, cwd=cwd or self.work, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)
        assert done.returncode == status, f"weir {' '.join(map(str, arguments))} gave {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def connect(self, client, *arguments, status=0, **extra):
        """The one command that a developer types."""
        return self.run(
            "connect", client, "--gateway", self.url, "--key", self.key, "--system-root", self.system, *arguments, status=status, **extra)

    def doctor(self, client, status=0, **extra):
        return self.run("doctor", "--client", client, "--gateway", self.url, "--system-root", self.system, status=status, **extra)

    def write(self, path, text, mode=0o644):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def files(self):
        """Every file outside of Weir's own folder and git's, with bytes and mode, and every folder."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if name.startswith("home/.config/weir") or "/.git" in f"/{name}" or name == "home/.config":
                continue
            found[name] = (path.read_bytes(), path.stat().st_mode & 0o777) if path.is_file() else None
        return found


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())


def read_toml(path):
    return tomllib.loads(pathlib.Path(path).read_text())


def read_dotenv(path):
    """As mini-swe-agent reads it; and a shell must read the same."""
    values = dotenv.dotenv_values(path)
    script = f"set -a; . {path}; " + "; ".join(f'printf "%s\\0" "${name}"' for name in values)
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env={})
    assert dict(zip(values, done.stdout.decode().split("\0"))) == values
    return values


def read_yaml(path):
    return yaml.safe_load(pathlib.Path(path).read_text())
