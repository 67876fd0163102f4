"""Building a Dockerfile in a folder without Docker: its commands run on this machine, as this user.

Docker has a file system for each stage. Here one folder serves all stages in turn, so that a path means the same in
each of them, as in Docker. Absolute paths of the Dockerfile lie in that folder. Unknown instructions are refused: a new
one needs a line in `Build`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template

PLACED = re.compile(r"(?<![\w./-])/(?=(?:opt|srv|var/lib/statsapi)\b)")
"""The `/` of each absolute path that is moved into the folder. Others, such as /usr/bin/env, stay as they are."""


class RefusedError(Exception):
    """The Dockerfile holds something unknown, or a command failed. The message has the output of the command."""


class Build:
    """A built image.

    `root` is the file system of the last stage. `command`, `health`, `user` and `environment` are those of the image.
    """

    def __init__(self, dockerfile: str, *, context: Path, folder: Path, python: Path, host: Mapping[str, str]) -> None:
        self.context, self.folder, self.host = context, folder, dict(host)
        self.root = folder / "root"
        self.command: list[str] = []
        self.health: list[str] = []
        self.user: tuple[int, int] | None = None
        self.environment: dict[str, str] = {}
        self.folder_in_use = Path("/")
        self._stage = ""
        self._left: dict[str, tuple[dict[str, str], Path]] = {}
        programs = folder / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to(python)
        self._path = f"{programs}:/usr/local/bin:/usr/bin:/bin"
        for name, rest in instructions(dockerfile):
            known: dict[str, Callable[[str], None]] = {
                "FROM": self._from,
                "ENV": self._env,
                "WORKDIR": self._workdir,
                "RUN": self._run,
                "COPY": self._copy,
                "USER": self._user,
                "HEALTHCHECK": self._healthcheck,
                "CMD": self._cmd,
                "LABEL": lambda rest: None,
                "EXPOSE": lambda rest: None,
            }
            if name not in known:
                raise RefusedError(f"{name} is not understood")
            known[name](rest)

    def place(self, text: str) -> str:
        return PLACED.sub(f"{self.root}/", text)

    def _from(self, rest: str) -> None:
        if self.root.exists():
            self.root.rename(self._leave(self._stage))
            self._left[self._stage] = (self.environment, self.folder_in_use)
        image, _, self._stage = rest.partition(" AS ")
        if image in self._left:
            shutil.copytree(self._leave(image), self.root, symlinks=True)
            environment, self.folder_in_use = self._left[image]
            self.environment = dict(environment)
        elif re.fullmatch(r"python:3\.\d+-slim", image):
            self.root.mkdir()
            self.environment, self.folder_in_use = {"PATH": self._path}, self.root
        else:
            raise RefusedError(f"FROM {image} is not understood")

    def _leave(self, stage: str) -> Path:
        return self.folder / f"stage-{stage}"

    def _env(self, rest: str) -> None:
        for assignment in shlex.split(rest):
            name, _, value = assignment.partition("=")
            self.environment[name] = self.place(Template(value).substitute(self.environment))

    def _workdir(self, rest: str) -> None:
        self.folder_in_use = Path(self.place(rest))
        self.folder_in_use.mkdir(parents=True, exist_ok=True)

    def _run(self, rest: str) -> None:
        done = subprocess.run(
            ["sh", "-c", self.place(rest)],
            cwd=self.folder_in_use,
            env={**self.host, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RefusedError(f"RUN {rest}\n{done.stdout}{done.stderr}")

    def _copy(self, rest: str) -> None:
        options = dict(word[2:].split("=") for word in rest.split() if word.startswith("--"))
        *sources, destination = (word for word in rest.split() if not word.startswith("--"))
        origin = self._leave(options["from"]) if "from" in options else self.context
        target = self.folder_in_use / self.place(destination)
        # A finished stage does not change any more, so its files can be linked instead of copied.
        copy = os.link if "from" in options and "chown" not in options else shutil.copy2
        for source in sources:
            found = origin / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, target, symlinks=True, dirs_exist_ok=True, copy_function=copy)
            else:
                shutil.copy2(found, target)
        if "chown" in options and os.getuid() == 0:
            user, group = map(int, options["chown"].split(":"))
            for path in (target, *target.rglob("*")):
                os.chown(path, user, group, follow_symlinks=False)

    def _user(self, rest: str) -> None:
        user, _, group = rest.partition(":")
        self.user = int(user), int(group)

    def _healthcheck(self, rest: str) -> None:
        self.health = json.loads(rest.partition("CMD ")[2])

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def ignores(dockerignore: str) -> Callable[[Path], bool]:
    """Return a function that tells whether a path of the context is left out.

    It understands the patterns `*`, `!<path>`, `<path>` and `**/<name>`. Raises RefusedError for others.
    """
    patterns = [line for line in dockerignore.splitlines() if line and not line.startswith("#")]

    def ignored(path: Path) -> bool:
        verdict = False
        for pattern in patterns:
            wanted = pattern.removeprefix("!")
            if wanted.startswith("**/"):
                matches = wanted.removeprefix("**/") in path.parts
            elif "*" in wanted.removeprefix("*"):
                raise RefusedError(f"{pattern} is not understood")
            else:
                matches = wanted == "*" or path.is_relative_to(wanted)
            if matches:
                verdict = not pattern.startswith("!")
        return verdict

    return ignored
