"""The address of the page about anything: one for each kind, safe for any name."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ropewalk.web.views.addresses import PAGES, address_of, lineage_address


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ("table:mart.flights", "/data/mart.flights"),
        ("source:orders", "/data/raw.orders"),
        ("question:late", "/questions/late"),
        ("model:late", "/models/late"),
        ("run:abc", "/runs/abc"),
        ("deployment:api", "/deployments/api"),
        ("predictions:api", "/data/predictions.api"),
        ("model_version:late/3", "/models/late/3"),
        ("model_version:team/late/3", "/models/team%2Flate/3"),
        ("step:train", "/lineage?focus=step%3Atrain"),
        ("table:a b/c?d#e", "/data/a%20b%2Fc%3Fd%23e"),
    ],
)
def test_pages(node: str, address: str) -> None:
    """What has no page of its own has a place in the lineage."""
    assert address_of(node) == address


@settings(max_examples=40)
@given(name=st.text(min_size=1, max_size=20), kind=st.sampled_from(sorted(PAGES)))
def test_any_name(name: str, kind: str) -> None:
    """A name leads nowhere else: it is the last part of a path, whatever it holds."""
    parts = urlsplit(address_of(f"{kind}:{name}"))

    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote(parts.path.rpartition("/")[2]).endswith(name)


@pytest.mark.parametrize(
    ("up", "down", "query"),
    [
        (None, None, {"focus": ["table:a&b"]}),
        (0, None, {"focus": ["table:a&b"], "up": ["0"]}),
        (2, 3, {"focus": ["table:a&b"], "up": ["2"], "down": ["3"]}),
    ],
)
def test_depths(up: int | None, down: int | None, query: dict[str, list[str]]) -> None:
    """No depth is as much as fits; none at all is a depth too."""
    assert parse_qs(urlsplit(lineage_address("table:a&b", up, down)).query) == query
