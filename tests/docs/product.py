"""What the product has and its documentation has to name: found in the code by rules, not listed by hand."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import URLPattern, URLResolver, get_resolver

from statsapi.ingest.addresses import ENDPOINTS
from tests.asgi import Client
from tests.servers import ROOT

PACKAGES = ("projects", "statsapi", "tsdb")
ANY = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})

_CHECK = re.compile(r"statsapi\.[EW][0-9]{3}")
_METRIC = re.compile(r"statsapi_[a-z_]+")
_HEADER = re.compile(r"[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z0-9]*)+")
_ASGI = re.compile(rb"[a-z]+(?:-[a-z]+)+")
_META = re.compile(r"HTTP_([A-Z_]+)")


def routes() -> dict[str, frozenset[str]]:
    """Return the methods of each address outside of the admin, such as `/api/0/projects/{organization}/{project}/`.

    The methods are those of the `Allow` header, without OPTIONS.
    """
    found = {}
    of_intake = [address.replace("{", "<str:").replace("}", ">") for address in ENDPOINTS]
    for route in (*_walk(get_resolver().url_patterns, "/"), *of_intake):
        answer = Client().generic("BREW", re.sub(r"<(?:str|slug):\w+>", "1", route))
        allowed = set(answer.headers["Allow"].split(", ")) - {"OPTIONS"}
        found[re.sub(r"<(?:str|slug):(\w+?)(?:_slug)?>", r"{\1}", route)] = frozenset(allowed)
    return found


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if path.startswith("/admin/"):
            continue
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield path


def commands() -> dict[str, set[str]]:
    """Return the options that each command of this project adds to those of Django."""
    own = {name: app for name, app in get_commands().items() if str(app).partition(".")[0] in PACKAGES}
    return {name: _options(load_command_class(app, name)) - _usual_options(name) for name, app in own.items()}


def _options(command: BaseCommand) -> set[str]:
    actions = command.create_parser("manage.py", "command")._actions
    return {option for action in actions for option in action.option_strings if option.startswith("--")}


def _usual_options(name: str) -> set[str]:
    """Return the options of every command, and those of Django's own command of this name."""
    try:
        return _options(load_command_class("django.core", name))
    except ModuleNotFoundError:
        return _options(BaseCommand())


@cache
def literals() -> dict[str, set[str]]:
    """Return the files of each string literal of the product, docstrings left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, source in sources().items():
        for text in literals_of(source):
            found[text].add(name)
    return found


@cache
def sources() -> dict[str, str]:
    """Return the text of each Python file of the product by its path within the repository."""
    files = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def literals_of(source: str) -> set[str]:
    """Return the string literals of a module, without docstrings and the pieces of formatted strings."""
    tree = ast.parse(source)
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    left_out |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out
    }


def packages() -> set[str]:
    """Return the folders of the product that hold Python files, such as `statsapi/api/stats`."""
    return {name.rpartition("/")[0] for name in sources()}


def checks(texts: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the ids of system checks among the literals."""
    return {text: files for text, files in texts.items() if _CHECK.fullmatch(text)}


def metrics(texts: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the names of metrics among the literals; prometheus_client appends `_total` to some of them."""
    return {text: files for text, files in texts.items() if _METRIC.fullmatch(text)}


def headers(texts: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the HTTP headers among the literals.

    A literal is a header if its words are capitalized and joined by hyphens, such as `Retry-After`, or if it is a name
    of WSGI, such as `HTTP_USER_AGENT`.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for text, files in texts.items():
        meta = _META.fullmatch(text)
        if meta:
            found[meta[1].replace("_", "-").title()] |= files
        elif _HEADER.fullmatch(text):
            found[text] |= files
    return found


def used_as_headers(source: str) -> set[str]:
    """Return the names that a module uses as headers, such as `Link`, which no rule for words would find.

    These are keys of a dictionary that is given as `headers=`, what is looked up or set in something that is named
    `headers`, and bytes such as b"retry-after", as ASGI names headers. Headers of an envelope are lower-case texts, so
    they are left out.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "headers" and isinstance(node.value, ast.Dict):
            found |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Subscript) and _is_headers(node.value) and isinstance(node.slice, ast.Constant):
            found.add(node.slice.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_headers(node.func.value):
            found |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, bytes) and _ASGI.fullmatch(node.value):
            found.add(node.value.decode().title())
    return {name for name in found if isinstance(name, str) and name[:1].isupper()}


def _is_headers(node: ast.expr) -> bool:
    return getattr(node, "id", getattr(node, "attr", "")) == "headers"
