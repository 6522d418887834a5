"""Whoever made the data folder: it and what lies in it are its owner's alone."""

import os
import subprocess

import pytest

import weirkit


def open_folder(path):
    """A folder as `mkdir` makes it."""
    path.mkdir()
    path.chmod(0o755)
    return path


def modes(folder):
    """What others may do with the folder and what lies in it, by name; nothing when all of it is closed."""
    found = {"": folder} | {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    return {name: oct(path.stat().st_mode) for name, path in found.items() if path.stat().st_mode & 0o077}


def weir_init(*arguments):
    return subprocess.run(
        ["sh", "-c", 'umask 022; exec "$@"', "sh", weirkit.binary(), "init", *map(str, arguments)], capture_output=True, text=True,
        timeout=60, env=weirkit.clean_environment())


def test_init_closes_a_folder_that_was_there_and_its_databases_are_closed_too(tmp_path):
    data = open_folder(tmp_path / "data")
    done = weir_init("--data", data, "--config", tmp_path / "weir.yaml")
    assert done.returncode == 0 and "Warning" not in done.stderr
    assert {"control.db", "ledger.db", "pepper"} <= {path.name for path in data.iterdir()}
    assert modes(data) == {}
    # The configuration is for whoever runs the server.
    assert (tmp_path / "weir.yaml").stat().st_mode & 0o777 == 0o644


def test_a_server_closes_what_an_older_one_left_open(tmp_path):
    data = open_folder(tmp_path / "data")
    assert weir_init("--data", data).returncode == 0
    data.chmod(0o755)
    for name in ("control.db", "ledger.db"):
        (data / name).chmod(0o644)
    server = weirkit.Weir(tmp_path, "log:\n  level: notice\n").start()
    try:
        assert modes(data) == {}
    finally:
        server.stop()


def test_a_server_makes_its_files_closed(tmp_path):
    open_folder(tmp_path / "data")
    server = weirkit.Weir(tmp_path, "log:\n  level: notice\n").start()
    try:
        assert modes(server.data) == {} and (server.data / "weir.sock").exists()
    finally:
        server.stop()


def test_a_shared_folder_stays_as_it_is_and_is_warned_of(tmp_path):
    data = open_folder(tmp_path / "data")
    data.chmod(0o1777)
    done = weir_init("--data", data)
    assert done.returncode == 0 and "Warning: others may enter" in done.stderr and "chmod 700" in done.stderr
    assert data.stat().st_mode & 0o7777 == 0o1777
    assert set(modes(data)) == {""}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else's")
def test_a_folder_of_somebody_else_is_warned_of_and_its_databases_are_closed(tmp_path):
    data = open_folder(tmp_path / "data")
    os.chown(data, 65534, 65534)
    done = weir_init("--data", data)
    assert done.returncode == 0 and "Warning: others may enter" in done.stderr
    assert set(modes(data)) == {""}
