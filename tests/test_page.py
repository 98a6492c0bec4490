"""The paper on a page: every claim is on it, measured or not, with the verdict of its table."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsclib import claims, page, texture_claims
from rsclib.errors import RscError


def test_without_records_every_claim_is_there_and_not_measured(tmp_path: Path) -> None:
    empty = page.the_page(tmp_path)
    declared = sum(
        len(claims.declared(n).claims) for n in page.LESSONS if n in claims.names("tables")
    )
    textures = sum(len(texture_claims.texture_table_of(n).claims) for n in texture_claims.TABLES)
    assert len(empty) == declared + textures > 24
    assert set(empty["verdict"]) == {page.NOT_MEASURED} and empty["gain"].isna().all()
    assert page.counts(empty) == {
        "reproduced": 0, "undecided": 0, "contradicted": 0, page.NOT_MEASURED: len(empty)
    }  # fmt: skip


def test_measured_claims_have_the_verdicts_of_their_tables() -> None:
    whole = page.the_page()
    for name in ("table3", "table6"):
        table = claims.declared(name)
        found = claims.recorded(name, table.regimes[0])
        wanted = found.verdicts(part=table.parts[0])
        lines = whole[(whole["table"] == name) & (whole["verdict"] != page.NOT_MEASURED)]
        assert lines["verdict"].tolist() == wanted["verdict"].tolist()
        assert lines["gain"].tolist() == wanted["gain_mm"].tolist()
        assert lines["paper"].round(2).tolist() == wanted["paper_mm"].tolist()
    assert sum(page.counts(whole).values()) == len(whole)


def test_every_claim_can_be_read_by_itself() -> None:
    claims_of = page.the_page()["claim"]
    assert not claims_of.str.startswith("…").any()
    assert "video is more accurate than single frames, after alignment" in set(claims_of)
    assert not page.the_page().duplicated(["table", "claim", "of", "size"]).any()


def test_a_damaged_record_is_not_called_missing(tmp_path: Path) -> None:
    path = claims.record_path(tmp_path, "hard", "Ba", 0, "test-wild")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(RscError, match="seed0-test-wild"):
        page.the_page(tmp_path)


def test_an_error_that_names_the_command_is_still_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RscError("damaged; run: rsc reproduce table6")

    monkeypatch.setattr(claims.Recorded, "verdicts", broken)
    with pytest.raises(RscError, match="damaged"):
        page.the_page()


def test_the_html_has_a_line_a_claim_and_links_to_lessons_that_exist() -> None:
    class Links(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.links: list[str] = []
            self.rows = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.rows += tag == "tr"
            self.links += [v or "" for k, v in attrs if k == "href"]

    whole = page.the_page()
    parser = Links()
    parser.feed(page.as_html(whole))
    assert parser.rows == len(whole) + 1 and len(parser.links) == len(whole)
    notebooks = Path(__file__).parents[1] / "notebooks"
    assert not [link for link in set(parser.links) if not (notebooks / link).is_file()]


@given(st.floats(-10, 10), st.floats(-5, 5), st.floats(0.2, 6))
def test_power_counts_the_worlds_in_which_a_claim_is_reproduced(
    true: float, middle: float, half: float
) -> None:
    low, high = middle - half, middle + half
    assert page.least_visible(low, high) == pytest.approx(half)
    found = np.random.default_rng(0).normal(true, half / 1.959964, 20_000)
    naive = (found - half > 0).mean()
    assert page.power(true, low, high) == pytest.approx(naive, abs=0.02)
    assert page.power(true, low, high) == pytest.approx(page.power(9 * true, 9 * low, 9 * high))


def test_no_two_claims_of_a_table_read_alike_and_none_leans_on_the_line_before() -> None:
    whole = page.the_page()
    assert not whole.duplicated(["table", "claim", "of"]).any()
    assert not whole["claim"].str.match(r"(and|so|but|also)\b").any()
