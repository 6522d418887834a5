"""The shim `clients/shim/weir-credential.sh`, by the shells of this machine, in repositories of every kind: what it prints, what it
never prints, and what it hands to a program."""

import base64
import os
import pathlib
import shutil
import subprocess
import urllib.parse

import pytest

import weirkit
from clients import CHAT, call

SHIM = pathlib.Path(__file__).resolve().parents[2] / "clients/shim/weir-credential.sh"
KEY = "weir_k_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq2SWm0B"
# /bin/sh is on every machine; of the others, those that are here.
SHELLS = [["/bin/sh"]] + [
    [shutil.which(name), *rest] for name, *rest in (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"], ["zsh", "--emulate", "sh"])
    if shutil.which(name)
]


class Desk:
    """A home with a key, and a repository in a folder with spaces and quotes in its name."""

    def __init__(self, folder):
        self.home = folder / "home of maria"
        self.work = folder / "my 'first' $shop"
        for made in (self.home / ".config/weir", self.work):
            made.mkdir(parents=True)
        self.key_file = self.home / ".config/weir/key"
        self.key_file.write_text(KEY + "\n")

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1", **more}

    def git(self, *arguments):
        identity = ["-c", "user.email=m@acme.example", "-c", "user.name=M"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.work, env=self.environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def repository(self, remote="https://github.com/acme/shop.git", branch="main", name="origin"):
        self.git("init", "--quiet", "--initial-branch", branch)
        if remote:
            self.git("remote", "add", name, remote)
        self.git("commit", "--quiet", "--allow-empty", "--message", "Start")
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments, shell=("/bin/sh",), **variables):
        return subprocess.run(
            [*shell, str(SHIM), *arguments], cwd=self.work, env=self.environment(**variables), capture_output=True, text=True, timeout=20)

    def labels(self, **options):
        """What the printed key says, checked on the way: one line, the key, base64url without padding."""
        done = self.run(**options)
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1), done
        return decoded(done.stdout.strip())


def decoded(labelled):
    """The labels behind the dot of a key."""
    key, dot, text = labelled.partition(".")
    assert key == KEY and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), labelled
    assert bool(dot) == bool(text)
    form = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    return dict(urllib.parse.parse_qsl(form, strict_parsing=True, errors="strict")) if form else {}


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_it_is_short_enough_to_read():
    lines = SHIM.read_text().splitlines()
    assert len(lines) <= 20 and lines[0] == "#!/bin/sh" and os.access(SHIM, os.X_OK)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: pathlib.Path(shell[0]).name)
def test_each_shell_prints_the_same_labels(desk, shell):
    branch = "föö/a&b=c+d%20e;$(id)`id`'\"#|"
    commit = desk.repository("https://maria:s3cret@GitHub.com/acme/shop.git", branch)
    assert desk.labels(shell=shell) == {"repo": "https://GitHub.com/acme/shop.git", "branch": branch, "commit": commit}


REMOTES = {
    "git@github.com:acme/shop.git": "github.com:acme/shop.git",
    "org-12@github.com:acme/shop": "github.com:acme/shop",
    "ssh://git@git.corp.example:7999/team/shop.git": "ssh://git.corp.example:7999/team/shop.git",
    "https://oauth2:glpat-s3cret@gitlab.com/a/b/shop.git": "https://gitlab.com/a/b/shop.git",
    "https://user:p@ss:s3cret@github.com/acme/shop": "https://github.com/acme/shop",
    "https://s3cret@github.com/acme/shop": "https://github.com/acme/shop",
    "https://github.com/acme/shop?token=s3cret": "https://github.com/acme/shop",
    "https://github.com/acme/shop#s3cret": "https://github.com/acme/shop",
    "https://gitlab.com/@acme/shop": "https://gitlab.com/@acme/shop",
    "/srv/git/s3cret/shop.git": None,
    "../s3cret/shop": None,
    "file:///srv/git/s3cret/shop.git": None,
    "C:/Users/s3cret/shop": None,
    "ext::sh -c s3cret": None,
}


@pytest.mark.parametrize("remote", REMOTES)
def test_a_remote_loses_its_secrets_and_a_local_path_stays_at_home(desk, remote):
    desk.repository(remote)
    labels = desk.labels()
    assert labels.get("repo") == REMOTES[remote] and "s3cret" not in str(labels)
    assert bool(labels) == bool(REMOTES[remote]), "without a repository the key is plain"


def test_only_what_is_there_is_said(desk):
    assert desk.labels() == {}, "no repository"
    desk.git("init", "--quiet", "--initial-branch", "main")
    assert desk.labels() == {}, "no remote"
    desk.git("remote", "add", "upstream", "https://github.com/acme/shop")
    assert desk.labels() == {"repo": "https://github.com/acme/shop", "branch": "main"}, "no commit, and a remote of another name"
    desk.git("commit", "--quiet", "--allow-empty", "--message", "Start")
    desk.git("checkout", "--quiet", "--detach")
    assert desk.labels() == {"repo": "https://github.com/acme/shop", "commit": desk.git("rev-parse", "HEAD")}


def test_a_mirror_that_git_puts_in_the_remotes_place_is_not_named(desk):
    desk.repository()
    desk.git("config", "url.file:///srv/mirror/.insteadOf", "https://github.com/")
    assert desk.labels()["repo"] == "https://github.com/acme/shop.git"


def test_without_git_or_base64_the_key_is_plain(desk, tmp_path):
    desk.repository()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sed", "tr", "head"):
        (tools / name).symlink_to(shutil.which(name))
    assert desk.labels(PATH=str(tools)) == {}, "no git"
    (tools / "git").symlink_to(shutil.which("git"))
    assert desk.labels(PATH=str(tools)) == {}, "no base64"


def test_without_a_key_it_says_what_to_do(desk):
    desk.key_file.unlink()
    done = desk.run()
    assert (done.returncode, done.stdout) == (1, "") and "weir login" in done.stderr and str(desk.key_file) in done.stderr
    assert desk.run("echo", "ran").returncode == 1
    # Where there is no file, as in a pipeline's job, the key may come from the environment, labelled already or not.
    desk.repository()
    assert desk.labels(WEIR_KEY=KEY) == desk.labels(WEIR_KEY=KEY + ".b2xk") != {}


def test_the_configuration_folder_may_be_elsewhere(desk, tmp_path):
    other = tmp_path / "other place"
    shutil.move(desk.home / ".config", other)
    desk.repository()
    assert desk.labels(XDG_CONFIG_HOME=str(other))["repo"] == "https://github.com/acme/shop.git"


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: pathlib.Path(shell[0]).name)
def test_it_starts_a_program_with_the_key_in_its_environment(desk, shell):
    desk.repository()
    names = ["WEIR_KEY", "OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "AIDER_OPENAI_API_KEY", "AIDER_ANTHROPIC_API_KEY"]
    script = "for word; do printf '%s\\n' \"$word\"; done; env; exit 7"
    done = desk.run("sh", "-c", script, "x", "a  b", "$HOME `id`", "", shell=shell)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, lines[:3]) == (7, "", ["a  b", "$HOME `id`", ""])
    values = dict(line.split("=", 1) for line in lines[3:] if "=" in line)
    started = {values[name] for name in names}
    assert len(started) == 1, "one key under every name"
    labels = decoded(started.pop())
    assert labels.pop("session").startswith("sh-") and labels == desk.labels(shell=shell), "a start is a session"
    assert desk.run("no-such-program-here", shell=shell).returncode == 127


def test_what_it_prints_is_a_key_that_the_gateway_takes(desk, gateway):
    desk.key_file.write_text(gateway.weir.key(developer="shim-ana"))
    commit = desk.repository("git@GitHub.com:acme/shop.git", "feature/é-&-co")
    call(gateway, CHAT, key=desk.run().stdout.strip())
    turn = weirkit.wait_until(lambda: [turn for turn in gateway.weir.turns() if turn["developer"] == "shim-ana"], what="the turn")[0]
    assert turn["repository"] == {"value": "github.com/acme/shop", "source": "credential"}
    assert turn["branch"] == {"value": "feature/é-&-co", "source": "credential"} and turn["commit"]["value"] == commit
