"""The frozen folder is complete, whenever it is thawed. The tests of the upgrade rely on this."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
import redis

from tests.servers import ROOT, start_redis, wait_for
from tests.upgrade.thaw import ThawedVar, importing, is_ended, keys_of, prolong
from tsdb import embedded
from tsdb.series import read_running, running_key

pytestmark = pytest.mark.once
YEARS = 1000 * 86400
"""In seconds: longer than any key in the folder lives."""


@contextmanager
def ordinary_server(var_dir: Path) -> Iterator[redis.Redis]:
    server, port = start_redis(var_dir / "valkey", binary=str(embedded._find_server()))
    try:
        with redis.Redis(port=port) as client:
            yield client
    finally:
        server.stop()


def age(var_dir: Path, seconds: int) -> None:
    """Make the data older by this many seconds: each key expires that much earlier."""
    with importing(var_dir) as client:
        for key in list(client.scan_iter(count=1000)):
            if (expires := client.pexpiretime(key)) > 0:
                client.pexpireat(key, expires - seconds * 1000)


def values(keys: dict[str, list[object]]) -> dict[str, list[object]]:
    return {key: [kind, digest] for key, (kind, digest, _) in keys.items()}


def test_every_key_is_there_with_its_value_and_what_it_had_left_to_live(thawed_var: ThawedVar) -> None:
    frozen = thawed_var.expected["keys"]
    with ordinary_server(thawed_var.var_dir) as client:
        found = keys_of(client)
        seconds, micros = client.time()
    assert values(found) == values(frozen)
    for key, (_, _, expires) in frozen.items():
        left = found[key][2] - seconds * 1000 - micros / 1000
        assert (found[key][2] == -1) if expires == -1 else abs(left - (expires - thawed_var.clock * 1000)) < 30_000


def test_the_embedded_server_starts_on_it_as_on_any_other(thawed_var: ThawedVar) -> None:
    source = (
        "import sys; from pathlib import Path; from tsdb import embedded; from tsdb.client import connect\n"
        "var = Path(sys.argv[1]); embedded.ensure(var)\n"
        "print(connect(f'unix://{embedded.socket_path(var)}', 5).read.dbsize())"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, str(thawed_var.var_dir)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(len(thawed_var.expected["keys"]))), done.stderr
    wait_for(lambda: is_ended(thawed_var.var_dir), "the end of the embedded server")


def test_data_that_expired_years_ago_is_there_again(thawed_var: ThawedVar) -> None:
    age(thawed_var.var_dir, YEARS)
    prolong(thawed_var.var_dir, thawed_var.clock - YEARS)
    with ordinary_server(thawed_var.var_dir) as client:
        assert values(keys_of(client)) == values(thawed_var.expected["keys"])


def test_without_it_they_would_be_gone(thawed_var: ThawedVar) -> None:
    """Without `prolong`, a folder that was only unpacked would lose its keys, and the tests above would fail."""
    age(thawed_var.var_dir, YEARS)
    with ordinary_server(thawed_var.var_dir) as client:
        left = keys_of(client)
    assert left
    assert {key: kept for key, kept in left.items() if kept[2] != -1} == {}
    assert len(left) < len(thawed_var.expected["keys"]) / 2


@pytest.mark.parametrize(
    ("name", "rollup"), [("10x360", (10, 360)), ("3600x168", (3600, 168)), ("86400x90", (86400, 90))]
)
def test_its_rings_say_what_the_earlier_version_answered(
    thawed_var: ThawedVar, name: str, rollup: tuple[int, int]
) -> None:
    seconds, samples = rollup
    web = thawed_var.expected["projects"]["web"]
    with ordinary_server(thawed_var.var_dir) as client:
        raw = client.get(f"ts:{{{web['id']}}}:t:error:accepted:{name}")
    assert isinstance(raw, bytes)
    newest = int.from_bytes(raw[:8], "big")
    slots = len(raw) // 8 - 1
    counts = {
        bucket * seconds: int.from_bytes(raw[8 * (bucket % slots + 1) :][:8], "big")
        for bucket in range(newest - slots + 1, newest + 1)
        if bucket >= thawed_var.clock // seconds - samples
    }
    label = {10: "10s", 3600: "1h", 86400: "1d"}[seconds]
    assert [[start, count] for start, count in counts.items() if count] == web["stats"]["generated"][label]


def test_its_running_totals_go_on_and_know_no_reasons_yet(thawed_var: ThawedVar) -> None:
    with ordinary_server(thawed_var.var_dir) as client:
        for project in thawed_var.expected["projects"].values():
            totals = read_running(cast("dict[bytes, bytes]", client.hgetall(running_key(project["id"]))))
            assert {":".join(labels): total for labels, total in totals.outcomes.items()} == project["running"]
            assert totals.drops == {}
