"""The Lua scripts: their text, and running them even after a SCRIPT FLUSH."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError

from tsdb.outcomes import MOST_CATEGORIES, MOST_REASONS, UNKNOWN_SHARE
from tsdb.protocol import StoreClient
from tsdb.rollups import FUTURE_SECONDS, INTEGER_BYTES, LARGEST, PAST_SECONDS, Rollup
from tsdb.state import shapes_text

_FOLDER = Path(__file__).parent / "lua"


class Call(NamedTuple):
    """One run of a script: its keys and its arguments. On a cluster all keys must be of one project."""

    keys: Sequence[str | bytes]
    args: Sequence[str | bytes | int]


class Script:
    """A script of tsdb/lua, with ring.lua in front of it, and behind that the files that `uses` names.

    Because of its first line, `#!lua`, Redis 7 or later refuses the whole script before its first write if memory is
    used up or if the server is a read-only replica. `flags` change this: `allow-oom` for a script that makes room,
    `no-writes` for a script that only reads.
    """

    def __init__(self, name: str, rollups: Sequence[Rollup], *, flags: str = "", uses: Sequence[str] = ()) -> None:
        table = ", ".join(
            f"{{seconds={rollup.seconds}, samples={rollup.samples}, slots={rollup.slots}, ttl={rollup.ttl}}}"
            for rollup in rollups
        )
        self.text = "\n".join(
            (
                f"#!lua flags={flags}" if flags else "#!lua",
                f"local ROLLUPS, FUTURE, PAST = {{{table}}}, {FUTURE_SECONDS}, {PAST_SECONDS}",
                f"local SHAPES = '{shapes_text(rollups)}'",
                f"local WIDTH, LARGEST = {INTEGER_BYTES}, '{LARGEST}'",
                f"local MOST_WORDS, UNKNOWN_SHARE = {{{MOST_CATEGORIES}, {MOST_REASONS}}}, {UNKNOWN_SHARE}",
                *((_FOLDER / f"{part}.lua").read_text(encoding="utf-8") for part in ("ring", *uses, name)),
            )
        )
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: StoreClient, call: Call) -> Any:
        """Run the script once and return its answer. Raises redis.exceptions.RedisError."""
        # A script that Redis does not know did not run, so a second try is safe even for the writing client.
        try:
            return client.evalsha(self.sha, len(call.keys), *call.keys, *call.args)
        except NoScriptError:
            return client.eval(self.text, len(call.keys), *call.keys, *call.args)

    def run_many(self, client: StoreClient, calls: Sequence[Call]) -> list[Any]:
        """Run the script for each call and return the answers, in order.

        An exception stands in the place of a call that failed. One round trip: the nodes of a cluster are asked at the
        same time.
        """
        commands = [("EVALSHA", self.sha, len(call.keys), *call.keys, *call.args) for call in calls]
        answers = client.together(commands)
        missing = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:
            again = client.together([("EVAL", self.text, *commands[place][2:]) for place in missing])
            for place, answer in zip(missing, again, strict=True):
                answers[place] = answer
        return answers
