"""Rules for citations: what a text of the repository refers to has to exist.

Each function takes the texts of the repository by their paths, and returns one line for each thing that is wrong. The
line begins with the file that has to be changed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from tests.docs.markdown import anchors, code_spans, links

Texts = Mapping[str, str]
Exists = Callable[[str], bool]

_CITATION = re.compile(r"(?<![\w./-])(docs/[\w./-]+\.md)(?:#([\w-]*))?")
_NUMBERED = re.compile(r"\b[Ss]ection [0-9]+|\b[Ff]aults? (?:row )?[0-9]+")
_UNNAMED = re.compile(r"\b[Tt]he contract\b")
_PATH = re.compile(r"(?P<path>[\w.-]+(?:/[\w.-]+)*/?)(?:::(?P<test>\w+))?(?:\[[^\]]*\])?")
_MODULE = re.compile(r"python -m ([\w.]+)")


def broken_links(pages: Texts, exists: Exists) -> list[str]:
    """Check the relative links of Markdown pages: the file exists, and so does the anchor in it."""
    wrong = []
    for name, text in pages.items():
        for link in links(text):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
            page = target if parts.path else name
            if not exists(page):
                wrong.append(f"{name}: the link {link} leads to no file")
            elif parts.fragment and parts.fragment not in anchors(pages.get(page, "")):
                wrong.append(f"{name}: {page} has no anchor #{parts.fragment}")
    return wrong


def broken_citations(texts: Texts) -> list[str]:
    """Check citations such as docs/contract.md#series in any text: the page exists, and so does the anchor in it."""
    wrong = []
    for name, text in texts.items():
        for page, anchor in _CITATION.findall(text):
            if page not in texts:
                wrong.append(f"{name}: cites {page}, and there is no such page")
            elif anchor and anchor not in anchors(texts[page]):
                wrong.append(f"{name}: cites {page}#{anchor}, and {page} has no such anchor")
    return wrong


def cited_by_number(texts: Texts) -> list[str]:
    """Find citations by the number of a section or a row, and in code those of a page that is not named."""
    wrong = []
    for name, text in texts.items():
        patterns = [_NUMBERED] if name.endswith(".md") else [_NUMBERED, _UNNAMED]
        wrong += [
            f'{name}: cites "{found}"; name a page and an anchor, such as docs/contract.md#series'
            for pattern in patterns
            for found in pattern.findall(text)
        ]
    return wrong


def missing_files(pages: Texts, texts: Texts, folders: tuple[str, ...], exists: Exists) -> list[str]:
    """Check the files, folders and tests that Markdown pages name in code spans.

    A span counts as a path if it begins with one of the folders, such as `tests/conftest.py`. A file without a folder,
    such as `credentials.py`, may lie anywhere. A test is named as `tests/test_env.py::test_name`.
    """
    base_names = {posixpath.basename(name) for name in texts}
    wrong = []
    for name, text in pages.items():
        for span in code_spans(text):
            match = _PATH.fullmatch(span)
            if not match:
                continue
            path, test = match["path"], match["test"]
            if "/" not in path:
                if path.endswith((".py", ".lua")) and path not in base_names:
                    wrong.append(f"{name}: names {path}, and no file has this name")
            elif path.partition("/")[0] in folders:
                if not exists(path):
                    wrong.append(f"{name}: names {path}, which does not exist")
                elif test and not re.search(rf"^\s*(?:async )?def {test}\(", texts.get(path, ""), re.MULTILINE):
                    wrong.append(f"{name}: names {span}, and {path} has no such test")
    return wrong


def missing_files_in_code(code: Texts, folders: tuple[str, ...], exists: Exists) -> list[str]:
    """Check the source files that code names, in comments and elsewhere, such as tests/test_settings.py."""
    pattern = re.compile(rf"(?<![\w./{{-])((?:{'|'.join(folders)})/[\w/.-]+\.(?:py|lua|conf|md))(?![\w/])")
    return [
        f"{name}: names {path}, which does not exist"
        for name, text in code.items()
        for path in pattern.findall(text)
        if not exists(path)
    ]


def missing_modules(pages: Texts, folders: tuple[str, ...], exists: Exists) -> list[str]:
    """Check modules in commands such as `python -m benchmarks.http`, if they are modules of the repository."""
    wrong = []
    for name, text in pages.items():
        for module in _MODULE.findall(text):
            path = module.replace(".", "/")
            if module.partition(".")[0] in folders and not (exists(f"{path}.py") or exists(f"{path}/__main__.py")):
                wrong.append(f"{name}: names python -m {module}, and there is no such module")
    return wrong
