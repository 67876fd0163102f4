"""The pieces of a body, and its deadline (statsapi/door/body.py)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from statsapi.door.body import Body, BodyLost, BodyTooSlow
from statsapi.http.errors import RequestError

END = {"type": "http.request", "body": b"", "more_body": False}


class Client:
    """What a server receives from a client: these messages, then nothing for ever."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.get_running_loop().create_future()
        return self.messages.pop(0)


def piece(data: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


def read(client: Client, *headers: tuple[bytes, bytes], seconds: float = 20) -> list[bytes]:
    async def pieces() -> list[bytes]:
        body = Body({"headers": headers}, client.receive, seconds)
        found = []
        while data := await body.piece():
            found.append(data)
        assert await body.piece() == b""
        return found

    return asyncio.run(pieces())


def test_a_body_with_a_length_ends_without_a_further_question() -> None:
    client = Client(piece(b"ab"), piece(b"cd"), END)
    assert read(client, (b"content-length", b"4")) == [b"ab", b"cd"]
    assert client.messages == [END]


def test_a_request_without_a_body_asks_for_nothing() -> None:
    client = Client(END)
    assert read(client) == read(client, (b"content-length", b"0")) == []
    assert client.messages == [END]


@pytest.mark.parametrize("last", [[END], [piece(b"", True), END]])
def test_a_chunked_body_ends_where_the_client_says(last: list[dict[str, Any]]) -> None:
    assert read(Client(piece(b"ab"), *last), (b"transfer-encoding", b"chunked")) == [b"ab"]
    assert read(Client(piece(b"ab", more=False)), (b"transfer-encoding", b"chunked")) == [b"ab"]


def test_a_chunked_body_has_no_length_whatever_else_is_announced() -> None:
    async def length() -> int | None:
        return Body(
            {"headers": [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")]}, Client().receive, 1
        ).length

    assert asyncio.run(length()) is None


@pytest.mark.parametrize("last", [{"type": "http.disconnect"}, END])
def test_a_client_that_goes_away_is_noticed(last: dict[str, Any]) -> None:
    with pytest.raises(BodyLost):
        read(Client(piece(b"ab"), last), (b"content-length", b"4"))


def test_a_body_that_does_not_come_in_time_is_given_up() -> None:
    with pytest.raises(BodyTooSlow):
        read(Client(piece(b"ab")), (b"content-length", b"4"), seconds=0.01)


@pytest.mark.parametrize("pace", [0, 1])
def test_what_came_gives_a_body_more_time_if_it_has_a_pace(pace: int) -> None:
    messages = [piece(b"ab"), piece(b"cd", more=False)]

    async def receive() -> dict[str, Any]:
        if len(messages) == 1:
            for _ in range(10):
                await asyncio.sleep(0)
        return messages.pop(0)

    async def read_both() -> bytes:
        body = Body({"headers": [(b"content-length", b"4")]}, receive, 0, pace)
        return await body.piece() + await body.piece()

    if pace:
        assert asyncio.run(read_both()) == b"abcd"
    else:
        with pytest.raises(BodyTooSlow):
            asyncio.run(read_both())


@pytest.mark.parametrize("text", [b"-1", b"x", b"", b"1" * 19])
def test_a_length_that_is_no_number_is_refused(text: bytes) -> None:
    with pytest.raises(RequestError) as refused:
        read(Client(), (b"content-length", text))
    assert (refused.value.status, refused.value.detail) == (400, "failed to read request body")
