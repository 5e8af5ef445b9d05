"""Texts of labs, set for a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.labs import Lab, catalog
from starrylab.labs.reflow import columns, reflow, unbroken
from starrylab.labs.texts import LANGUAGES


@pytest.fixture(params=catalog(), ids=lambda lab: lab.name)
def lab(request: pytest.FixtureRequest) -> Lab:
    lab: Lab = request.param
    return lab


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [60, 100])
def test_a_text_of_the_course(lab: Lab, language: str, width: int) -> None:
    text = lab.text(language)
    done = reflow(text, width)
    assert without_spaces(done) == without_spaces(text)
    figures = [line for line in text.splitlines() if re.match(r" {4,}.*[+|]--", line)]
    assert [line for line in figures if line not in done.splitlines()] == []
    for line in done.splitlines():
        prose = not line.startswith("    ") and line.lstrip()[:1] not in ("#", "|")
        assert not prose or columns(line) <= width or len(line.split()) == 1, line


def test_chinese_lines_are_joined_without_a_space() -> None:
    assert unbroken("内核的\n线程，\n它\nruns\n也在") == "内核的线程，它 runs 也在"


def test_no_line_begins_with_punctuation_or_ends_with_a_bracket() -> None:
    for width in range(8, 40):
        lines = reflow("任务运行（None），或者等待：定时器、按键。" * 5, width).splitlines()
        assert not [line for line in lines if line[0] in "，。：、）" or line[-1] == "（"]


@given(st.text(alphabet="ab 内。（）\n-1.`|#", max_size=200), st.integers(8, 60))
def test_nothing_is_lost(text: str, width: int) -> None:
    assert without_spaces(reflow(text, width)) == without_spaces(text)
