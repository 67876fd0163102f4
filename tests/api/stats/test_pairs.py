"""[timestamp, count] pairs as JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from statsapi.api.stats.pairs import pairs_response


@given(st.lists(st.tuples(st.integers(-(10**11), 10**12), st.integers(0, 3 * (2**63 - 1)))))
def test_it_writes_what_the_json_module_writes_wider_than_64_bits_too(points: list[tuple[int, int]]) -> None:
    response = pairs_response([start for start, _ in points], [count for _, count in points], {"X-Of": "1"})
    assert response.content.decode() == json.dumps([[float(start), count] for start, count in points])
    assert (response["Content-Type"], response["X-Of"]) == ("application/json", "1")
