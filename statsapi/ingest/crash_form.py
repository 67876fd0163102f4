"""The form in which crash reporters send a minidump: multipart/form-data, fed in as it comes, without I/O.

    upload_file_minidump    the dump, a file that begins with MDMP, or is compressed, or a form in itself
    sentry                  an event as JSON; also in chunks sentry__1, sentry__2, …
    sentry[release]         one field of it; sentry[tags][a] is one within another
    anything else           an attachment if it is a file, else an annotation, which nobody reads

Only the fields of the event are kept. Files of any size stream by, and their bytes are counted. The only exception that
is raised is RequestError.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from statsapi.http.errors import BodyLimit, RequestError, empty_body
from statsapi.http.foreign_json import parse_object

# The library warns of each bad form, and anybody can send one.
logging.getLogger("python_multipart.multipart").setLevel(logging.ERROR)

DUMP_FIELD = "upload_file_minidump"
OVERHEAD = 128 * 1024
"""The most bytes of boundaries and headers in a form: a thousand parts have about as many. The library takes 0.5 µs for
each of these bytes, and hardly any time for what the parts hold."""
QUICK_OVERHEAD = 4 * 1024
"""So many of them are parsed at once: forty fields, in some two milliseconds."""
LONGEST_HEADER = 1024
DEEPEST_FIELD = 8

_BEGINNINGS = (
    *(b"MDMP", b"PMDM"),  # a dump, of either byte order
    *(b"\x1f\x8b", b"\xfd7zXZ\x00", b"BZh", b"\x28\xb5\x2f\xfd"),  # gzip, xz, bzip2, zstd: it is not unpacked
    b"--",  # a form within the form, with the dump in it, which old versions of Electron send on Linux
)
_LONGEST_BEGINNING = max(map(len, _BEGINNINGS))
_FIELD = re.compile(r"sentry(?P<chunk>__[0-9]{1,4})?(?P<path>(?:\[[^\[\]]*\])*)")


class CrashForm(NamedTuple):
    """What a form holds beside its dump."""

    fields: tuple[tuple[str, bytes], ...]  # those of the event, in order
    files: int
    file_bytes: int


class DumpBeginning:
    """Takes the first bytes of what should be a dump."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        if len(self._bytes) < _LONGEST_BEGINNING:
            self._bytes += piece[: _LONGEST_BEGINNING - len(self._bytes)]

    def check(self) -> None:
        """Raise RequestError 400 if no dump begins like this."""
        if not self._bytes.startswith(_BEGINNINGS):
            raise invalid_dump("a minidump begins with MDMP" if self._bytes else "the minidump is empty")


class CrashFormParser:
    """Parses one form. `kept` limits the bytes of the event's fields."""

    def __init__(self, content_type: str, kept: BodyLimit) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        self._fed = self._data = 0
        self._boundary, self._end_of_fed = boundary, b""
        self._is_in_data = False
        self._part = _Part()
        self._dump: DumpBeginning | None = None
        self._is_whole = False
        self._fields: list[tuple[str, bytes]] = []
        self._files = self._file_bytes = 0
        self._kept, self._limit = 0, kept
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_begin": self._begin_header,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._end_header,
                    "on_part_data": self._take,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_size=LONGEST_HEADER,
            )
        except FormParserError:
            boundary = b""
        if not boundary:
            raise _invalid("the Content-Type has no boundary")

    @property
    def held(self) -> int:
        """The bytes that are kept."""
        return self._kept

    @property
    def overhead(self) -> int:
        """The bytes so far that lie between the parts."""
        return self._fed - self._data

    def is_quick(self, piece: bytes) -> bool:
        """Return whether `feed` takes hardly any time: the piece is all data, or the form had few fields so far."""
        if self._is_whole or self.overhead <= QUICK_OVERHEAD:
            return True
        return self._is_in_data and self._boundary not in self._end_of_fed + piece

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body. Raises RequestError."""
        if self._is_whole:  # what follows means nothing
            return
        self._fed += len(piece)
        self._end_of_fed = (self._end_of_fed + piece)[-len(self._boundary) :]
        try:
            self._parser.write(piece)
        except FormParserError:
            raise _invalid("a part or its headers cannot be read") from None
        if self.overhead > OVERHEAD and not self._is_whole:
            raise _invalid(f"more than {OVERHEAD} bytes are headers and boundaries")

    def end(self) -> CrashForm:
        """Return the form, after the whole body was fed. Raises RequestError 400 if it is not whole or has no dump."""
        if not self._fed:
            raise empty_body()
        if not self._is_whole:
            raise _invalid("the form ends early")
        if self._dump is None:
            raise invalid_dump(f"the form has no file {DUMP_FIELD}")
        self._dump.check()
        return CrashForm(tuple(self._fields), self._files, self._file_bytes)

    # --- What the library calls ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._part = _Part()

    def _begin_header(self) -> None:
        self._part.header = self._part.value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _end_header(self) -> None:
        if self._part.header.lower() != b"content-disposition":
            return
        options = parse_options_header(self._part.value)[1]
        name, is_file = options.get(b"name", b"").decode("utf-8", "replace"), b"filename" in options
        self._part.name = name
        if name == DUMP_FIELD and self._dump is None:
            self._part.dump = self._dump = DumpBeginning()
        elif is_file:
            self._files += 1
            self._part.is_attachment = True
        elif _FIELD.fullmatch(name) and name.count("[") <= DEEPEST_FIELD:
            self._part.is_kept = True

    def _take(self, data: bytes, start: int, end: int) -> None:
        part, size = self._part, end - start
        self._data += size
        self._is_in_data = True
        if part.dump is not None:
            part.dump.feed(data[start : min(end, start + _LONGEST_BEGINNING)])
        elif part.is_attachment:
            self._file_bytes += size
        elif part.is_kept:
            self._kept += size
            if self._kept > self._limit.maximum:
                raise self._limit.exceeded("the event in the form")
            part.kept += data[start:end]

    def _end_part(self) -> None:
        self._is_in_data = False
        if self._part.is_kept:
            self._fields.append((self._part.name, bytes(self._part.kept)))

    def _end(self) -> None:
        self._is_whole = True


@dataclass(slots=True)
class _Part:
    """A part of the form whose headers or data come next."""

    header: bytes = b""
    value: bytes = b""
    name: str = ""
    dump: DumpBeginning | None = None
    is_attachment: bool = False
    is_kept: bool = False
    kept: bytearray = field(default_factory=bytearray)


def event_of(fields: tuple[tuple[str, bytes], ...]) -> Mapping[str, object]:
    """Return the event that the fields of a form describe. What cannot be read is left out, since the dump counts."""
    chunks, single = [], []
    for name, value in fields:
        match = _FIELD.fullmatch(name)
        if match and match["path"]:
            single.append((match["path"][1:-1].split("]["), value.decode("utf-8", "replace")))
        elif match:
            chunks.append((int((match["chunk"] or "__0")[2:]), value))
    try:
        event: dict[str, Any] = dict(parse_object(b"".join(value for _, value in sorted(chunks))))
    except ValueError:
        event = {}
    for path, text in single:
        *parents, last = path
        inner: Any = event
        for name in parents:
            inner = inner.setdefault(name, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[last] = text
    return event


def invalid_dump(cause: str) -> RequestError:
    """Return the error to raise where no minidump came."""
    return RequestError(400, "missing or invalid minidump", [cause], "invalid")


def _invalid(cause: str) -> RequestError:
    return RequestError(400, "invalid form data", [cause], "invalid")
