"""Backup and restore as docs/operations.md tells it: copies taken while turns run, put back after a kill; and the worst case, where the
copies are all that is left of the machine."""

import contextlib
import shutil
import sqlite3
import threading

import pytest

import weirkit
from gateway import gateway_with


def turn(gateway, case, key=None):
    gateway.openai(key, {"x-weir-tag-case": case}).chat.completions.create(
        model="gpt-5.2", max_tokens=50, messages=[{"role": "user", "content": case}])


def back_up(data, folder):
    """What `sqlite3 FILE ".backup COPY"` and `cp` do."""
    folder.mkdir()
    for name in ("ledger.db", "control.db"):
        with contextlib.closing(sqlite3.connect(data / name)) as source, contextlib.closing(sqlite3.connect(folder / name)) as copy:
            source.backup(copy)
    shutil.copy(data / "pepper", folder / "pepper")


def put_back(data, folder):
    for name in ("ledger.db", "control.db"):
        for path in data.glob(f"{name}*"):
            path.unlink()
    for path in folder.iterdir():
        shutil.copy(path, data / path.name)


def served(gateway):
    return len(gateway.simulation.served())


def all_turns(gateway, count):
    """Every turn of the ledger, once as many are there as the provider has served; each once, and the report agrees."""
    turns = weirkit.wait_until(lambda: (found := gateway.turns(limit=500)) if len(found := gateway.turns(limit=500)) >= count else None,
                               30, f"{count} turns")
    assert len(turns) == count and len({one["request_id"] for one in turns}) == count
    spend = gateway.weir.json("report", "spend", "--by", "model")
    assert spend["total"]["turns"] == count and spend["total"]["cost_nano_usd"] == sum(one["cost_nano_usd"] for one in turns) > 0
    return turns


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "stopped"])
def test_a_backup_taken_while_turns_run_is_put_back_and_nothing_is_missing_or_counted_twice(tmp_path, is_killed):
    with gateway_with() as gateway:
        for number in range(5):
            turn(gateway, f"before-{number}")
        stop = threading.Event()

        def go_on():
            while not stop.is_set():
                turn(gateway, "meanwhile")

        callers = [threading.Thread(target=go_on) for _ in range(4)]
        for caller in callers:
            caller.start()
        weirkit.wait_until(lambda: served(gateway) > 15, 30, "turns")
        back_up(gateway.weir.data, tmp_path / "backup")
        weirkit.wait_until(lambda: served(gateway) > 40, 30, "more turns")
        stop.set()
        for caller in callers:
            caller.join()
        for number in range(5):
            turn(gateway, f"after-{number}")
        gateway.weir.kill() if is_killed else gateway.weir.stop()
        put_back(gateway.weir.data, tmp_path / "backup")
        gateway.weir.start()
        turns = all_turns(gateway, served(gateway))
        assert len([one for one in turns if one["tags"]["case"].startswith(("before", "after"))]) == 10
        # The keys are those of the backup, with the pepper that they were made with.
        turn(gateway, "later")
        all_turns(gateway, served(gateway))


def test_where_the_backup_is_all_that_is_left_its_turns_stay_and_new_ones_are_counted(tmp_path):
    with gateway_with() as gateway:
        for number in range(8):
            turn(gateway, f"before-{number}")
        all_turns(gateway, 8)
        gateway.weir.stop()
        back_up(gateway.weir.data, tmp_path / "backup")
        gateway.weir.start()
        for number in range(3):
            turn(gateway, f"lost-{number}")
        gateway.weir.kill()
        # Another machine: the configuration, and the backup.
        shutil.rmtree(gateway.weir.data)
        gateway.weir.data.mkdir(mode=0o700)
        put_back(gateway.weir.data, tmp_path / "backup")
        gateway.weir.start()
        assert sorted(one["tags"]["case"] for one in gateway.turns()) == [f"before-{number}" for number in range(8)]
        for number in range(4):
            turn(gateway, f"new-{number}")
        turns = all_turns(gateway, 12)
        assert sorted(one["tags"]["case"] for one in turns if one["tags"]["case"].startswith("new")) == [f"new-{n}" for n in range(4)]
        gateway.weir.kill()
        gateway.weir.start()
        all_turns(gateway, 12)
