"""[timestamp, count] pairs as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.api.stats.pairs import pairs_by_project_response, pairs_response

COUNTS = st.integers(0, 3 * (2**63 - 1))


@given(st.lists(st.tuples(st.integers(-(10**11), 10**12), COUNTS)))
def test_it_writes_what_the_json_module_writes_wider_than_64_bits_too(points: list[tuple[int, int]]) -> None:
    response = pairs_response(tuple(start for start, _ in points), [count for _, count in points], {"X-Of": "1"})
    assert response.content.decode() == json.dumps([[float(start), count] for start, count in points])
    assert (response["Content-Type"], response["X-Of"]) == ("application/json", "1")


@given(
    st.integers(0, 20).flatmap(
        lambda points: st.dictionaries(
            st.integers(1, 10**18), st.lists(COUNTS, min_size=points, max_size=points), max_size=4
        )
    )
)
def test_it_writes_what_the_json_module_writes_for_many_projects_too(counts: dict[int, list[int]]) -> None:
    starts = range(-3600, -3600 + 3600 * len(next(iter(counts.values()), [])), 3600)
    response = pairs_by_project_response(starts, counts, {})
    wanted = {
        project: [[float(start), count] for start, count in zip(starts, of, strict=True)]
        for project, of in counts.items()
    }
    assert response.content.decode() == json.dumps(wanted)


@pytest.mark.parametrize("counts", [[1], [1, 2, 3]])
def test_as_many_counts_as_timestamps_are_needed(counts: list[int]) -> None:
    with pytest.raises(TypeError):
        pairs_response((0, 10), counts, {})
