"""Readers that leave and disks that are full: every verb ends by a word or in silence, and never by a trap."""

import os
import subprocess

import pytest

import weirkit

VERBS = [("completions", "bash"), ("--help",), ("budget", "template"), ("config", "show")]


def run(arguments, stdout, stderr=subprocess.PIPE):
    return subprocess.run(
        [weirkit.binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, timeout=60,
        env=weirkit.clean_environment())


def closed_pipe():
    """A pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_reader_that_has_had_enough_is_no_failure(verb):
    pipe = closed_pipe()
    done = run(verb, pipe)
    os.close(pipe)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_full_disk_is_named(verb):
    with open("/dev/full", "wb") as full:
        done = run(verb, full)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error[output_failed]: ") and b"No space left on device" in done.stderr


def test_verbs_that_ask_a_server_end_alike(gateway):
    data = ("--data", gateway.weir.data)
    for verb in (("key", "list"), ("report", "spend"), ("turn", "list", "--format", "json"), ("team", "list", "--format", "csv")):
        pipe = closed_pipe()
        done = run((*verb, *data), pipe)
        os.close(pipe)
        assert (done.returncode, done.stderr) == (0, b""), verb
        with open("/dev/full", "wb") as full:
            done = run((*verb, *data), full)
        assert done.returncode == 1 and done.stderr.startswith(b"error[output_failed]: "), verb


def test_a_secret_that_nobody_could_read_is_a_failure_that_names_its_key(gateway):
    create = ("key", "create", "--developer", "unread", "--team", "web", "--data", gateway.weir.data)
    pipe = closed_pipe()
    done = run(create, pipe)
    os.close(pipe)
    key = next(key for key in gateway.weir.json("key", "list")["data"] if key.get("developer") == "unread")
    assert done.returncode == 1 and b"error[output_failed]: " in done.stderr
    assert f"weir key rotate {key['key_id']}".encode() in done.stderr


def test_a_full_standard_error_ends_nothing():
    with open("/dev/full", "wb") as full:
        assert run(("key", "list", "--data", "/nowhere"), subprocess.PIPE, full).returncode == 1
        assert run(("nonsense",), subprocess.PIPE, full).returncode == 2


def test_a_server_goes_on_where_nobody_reads_its_first_key(tmp_path):
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen(
            [weirkit.binary(), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL,
            stdout=full, stderr=subprocess.PIPE, env=weirkit.clean_environment())
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if b"listening" in line:
                break
        assert any(b"weir key rotate" in line for line in lines) and b"listening" in lines[-1], lines
    finally:
        process.terminate()
        process.stderr.close()
        assert process.wait(30) == 0
