"""A blind study: sides that tell nothing, votes that survive, an exact interval."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsclib.errors import RscError
from rsclib.votes import Vote, draw_ballots, read_votes, share_of, store_votes, tally, vote

PEOPLE = [f"person {k}" for k in range(40)]


def test_sides_and_people_are_drawn_by_chance() -> None:
    drawn = [draw_ballots(PEOPLE, ("A", "B"), 10, seed) for seed in range(300)]
    left = np.mean([b.left == "A" for ballots in drawn for b in ballots])
    assert abs(left - 0.5) < 0.03, "the side tells who it is"
    first = np.mean([ballots[0].left == ballots[1].left for ballots in drawn])
    assert abs(first - 0.5) < 0.12, "one question's side tells the next one's"
    assert len({ballots[0].person for ballots in drawn}) == len(PEOPLE)
    for ballots in drawn:
        assert len({b.person for b in ballots}) == 10
        assert all({b.left, b.right} == {"A", "B"} for b in ballots)
    assert draw_ballots(PEOPLE, ("A", "B"), 10, 3) == drawn[3]
    assert draw_ballots(PEOPLE, ("A", "B"), 40) != draw_ballots(PEOPLE, ("A", "B"), 40)


@pytest.mark.parametrize(
    ("people", "methods", "count"),
    [(PEOPLE, ("A", "B"), 41), (PEOPLE, ("A", "B"), 0), (["a", "a"], ("A", "B"), 1), (PEOPLE, ("A", "A"), 3)],
)  # fmt: skip
def test_a_study_that_cannot_be(people: list[str], methods: tuple[str, str], count: int) -> None:
    with pytest.raises(RscError):
        draw_ballots(people, methods, count, 0)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), st.booleans()
        ),
        max_size=6,
    )
)
def test_votes_survive_their_file(tmp_path_factory: pytest.TempPathFactory, given_: list[tuple[str, bool]]) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("votes") / "votes.csv"
    votes = [Vote(name, "A", "B", "A" if yes else "B") for name, yes in given_]
    store_votes(path, votes)
    assert read_votes(path) == votes


def test_files_of_other_things(tmp_path: Path) -> None:
    assert read_votes(tmp_path / "none.csv") == []
    for text in (
        "",
        "a,b\n",
        "person,left,right,preferred\nx,A,B\n",
        "person,left,right,preferred\nx,A,B,C\n",
    ):
        (tmp_path / "votes.csv").write_text(text)
        with pytest.raises(RscError, match="does not hold votes"):
            read_votes(tmp_path / "votes.csv")


def test_a_vote_is_for_what_stood_there() -> None:
    ballots = draw_ballots(PEOPLE, ("A", "B"), 30, 1)
    votes = [vote(b, "left" if b.left == "A" else "right") for b in ballots[:24]]
    votes += [vote(b, "left" if b.left == "B" else "right") for b in ballots[24:]]
    assert tally(votes, "A")[:3] == (24, 30, 0.8) and tally(votes, "B").wins == 6
    always_left = [vote(b, "left") for b in ballots]
    assert 5 < tally(always_left, "A").wins < 25
    with pytest.raises(RscError, match="no vote about C"):
        tally(votes, "C")
    with pytest.raises(RscError, match='"left" or "right"'):
        vote(ballots[0], "A")


@given(st.integers(1, 60), st.floats(0, 1))
def test_the_interval_is_exact(votes: int, part: float) -> None:
    """Its ends are where the tail of the binomial has 2.5 %, summed by hand."""
    wins = round(part * votes)
    found = share_of(wins, votes)

    def chance(k: int, p: float) -> float:
        return math.comb(votes, k) * p**k * (1 - p) ** (votes - k)

    assert found.low <= found.share <= found.high
    if wins:
        tail = sum(chance(k, found.low) for k in range(wins, votes + 1))
        assert tail == pytest.approx(0.025, rel=1e-6)
    else:
        assert found.low == 0
    if wins < votes:
        tail = sum(chance(k, found.high) for k in range(wins + 1))
        assert tail == pytest.approx(0.025, rel=1e-6)
    else:
        assert found.high == 1


def test_the_papers_answers() -> None:
    """21 subjects and 10 pictures are 210 answers, and 92.4 % of them are 194."""
    found = share_of(194, 210)
    assert f"{100 * found.share:.1f}" == "92.4"
    assert all(f"{100 * n / 210:.1f}" != "92.4" for n in (193, 195))
    assert str(found).startswith("194 of 210: 92.4 % [") and 0.87 < found.low < 0.9
    for wins, votes in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(RscError, match="no share"):
            share_of(wins, votes)
