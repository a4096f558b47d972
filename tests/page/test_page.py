"""The results page: complete, self-contained, escaped, and the same each time."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from feedback_alignment.errors import InputError
from feedback_alignment.page.figures import collect_figures
from feedback_alignment.page.page import number, render
from feedback_alignment.page.settings import rows, text
from feedback_alignment.sources import SettingsSource
from feedback_alignment.specification import digest_of, write_specification

ROOT = Path(__file__).parents[2]
SHOWN = ("alpha", "beta", "drawn")
VOID = {"meta", "img", "br", "hr", "link"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class Page(HTMLParser):
    """Tags, ids, addresses and text of a page; fails where tags are not nested."""

    def __init__(self, html):
        super().__init__()
        self.open, self.ids, self.addresses, self.words = [], [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.addresses += [attributes[k] for k in ("href", "src") if k in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def check(label="slope of <H>", part="", verdict="replicated", **others):
    base = {
        "label": label, "part": part, "statistic": "slope", "where": {}, "arguments": {},
        "threshold": "below -0.25", "null": "an untrained network",
        "verdict": verdict, "reason": "", "estimate": -0.51234, "ci_low": -0.55,
        "ci_high": -0.48, "n": 8, "left_out": [], "points": [],
    }  # fmt: skip
    return base | others


def claim(name, verdict, figure, checks):
    return {
        "id": name, "paper": "Song & al.", "statement": "x < y & z", "figure": figure,
        "verdict": verdict, "checks": checks,
    }  # fmt: skip


def inputs():
    claims = [
        claim("a.one", "replicated", "beta", [check(part=p) for p in ("linear", "relu")]),
        claim("a.two", "inconclusive", "alpha", [check(reason="too few replicates: 2")]),
        claim(
            "a.three",
            "not replicated",
            "gone",
            [check(estimate=None, ci_low=None, verdict="not run")],
        ),
    ]
    experiment = {
        "figures": ["beta"],
        "replicates": 8,
        "conditions": 4,
        "varied": {"l2": [0.0, 0.3], "width": [100, 200]},
        "fixed": {"rule": "fa", "cutoff_step": None, "kernels": False},
    }
    sources = [
        {"settings": ["l2"], "value": "not known", "source": "ours", "note": "reason <b>"},
        {"settings": ["l2"], "experiments": ["other"], "value": "9"}
        | {"source": "recalled", "note": "no"},
        {"settings": ["width", "samples"], "value": "1, 2", "source": "recalled", "note": ""},
    ]
    return {
        "claims": {"confidence": 0.95, "interval": "Intervals are Student's.", "claims": claims},
        "settings": {"name": "<laptop>", "seed": 7, "experiments": {"first": experiment}},
        "sources": [SettingsSource(**entry) for entry in sources],
        "seeds": {},
        "environment": {"python": "3.11.1", "system": "Linux", "numpy": "2.4.6"},
        "status": {"first": {"ok": 30, "settled": 0, "diverged": 2}},
    }


@pytest.fixture
def folders(tmp_path):
    for name in ("figures", "notebooks", "captions"):
        (tmp_path / name).mkdir()
    for name in SHOWN:
        for end in ("svg", "pdf", "png"):
            (tmp_path / f"figures/{name}.{end}").write_text(SVG)
        (tmp_path / f"notebooks/{name}.html").write_text("page")
    (tmp_path / "captions/beta.rst").write_text("Beta <rises>.\nShown: a\nand b.\n")
    return tmp_path


def figures_of(folder, names=SHOWN):
    return collect_figures(folder, names, [folder / "captions/beta.rst"])


def test_the_page_is_complete_and_well_formed(folders):
    page = Page(render(figures=figures_of(folders), **inputs()))
    for word in (
        "1 replicated", "1 not replicated", "1 inconclusive", "−0.512", "[−0.55, −0.48]",
        "below -0.25", "too few replicates: 2", "Beta <rises>", "Shown: a and b.", "3.11.1",
        "2.4.6", "Intervals are Student's.", "null: an untrained network",
    ):  # fmt: skip
        assert word in page.text, word
    assert len(page.ids) == len(set(page.ids))
    targets = {address[1:] for address in page.addresses if address.startswith("#")}
    assert targets <= set(page.ids)
    assert {"verdicts", "figures", "runs", "settings", "environment"} <= targets


def test_nothing_is_loaded_from_elsewhere(folders):
    html = render(figures=figures_of(folders), **inputs())
    page = Page(html)
    assert "http:" not in html
    assert "https:" not in html
    assert "//" not in html.replace("://", "")
    assert not re.search(r"url\(|@import|<script|<link|<iframe", html)
    local = [a for a in page.addresses if not a.startswith(("#", "data:image/svg+xml;base64,"))]
    assert sorted(set(local)) == sorted(
        f"{folder}/{name}.{end}"
        for name in ("alpha", "beta", "drawn")
        for folder, ends in (("figures", ("svg", "pdf", "png")), ("notebooks", ("html",)))
        for end in ends
    )
    assert all((folders / address).is_file() for address in local)


def test_text_cannot_become_markup(folders):
    html = render(figures=figures_of(folders), **inputs())
    for text_in in ("<laptop>", "x < y & z", "slope of <H>", "reason <b>", "Beta <rises>"):
        assert text_in not in html
    assert "&lt;laptop&gt;" in html
    assert "<script>" not in html


def test_the_page_repeats(folders):
    pages = [render(figures=figures_of(folders), **inputs()) for _ in range(2)]
    assert pages[0] == pages[1]
    assert not re.search(r"20\d\d-\d\d|\d\d:\d\d", pages[0])


def test_drawings_come_first_and_figures_go_as_the_claims(folders):
    given = inputs()
    html = render(figures=figures_of(folders), **given)
    places = [html.index(f'id="figure-{name}"') for name in ("drawn", "beta", "alpha")]
    assert places == sorted(places)
    # Fed by an experiment, but without a claim.
    given["settings"]["experiments"]["first"]["figures"] = ["beta", "drawn"]
    html = render(figures=figures_of(folders), **given)
    places = [html.index(f'id="figure-{name}"') for name in ("beta", "alpha", "drawn")]
    assert places == sorted(places)


def test_claims_without_a_figure_on_the_page_have_no_dead_link(folders):
    html = render(figures=figures_of(folders, ["beta"]), **inputs())
    assert 'href="#figure-beta"' in html
    assert "#figure-gone" not in html
    assert "#figure-alpha" not in html


def test_checks_that_failed_are_open_and_others_folded(folders):
    html = render(figures=figures_of(folders), **inputs())
    assert '<details id="claim-a-one">' in html
    assert '<details id="claim-a-three" open>' in html


def test_an_empty_record_still_makes_a_page():
    given = inputs() | {"claims": {"claims": []}, "status": {}, "environment": {}}
    given["settings"] = {"name": "empty", "experiments": {}}
    page = Page(render(figures=[], **given))
    assert "No claims were judged." in page.text
    assert "No figures were drawn." in page.text


def test_a_missing_figure_is_said_in_one_line(folders):
    with pytest.raises(InputError, match=r"gamma\.svg: there is no such figure"):
        figures_of(folders, ["gamma"])


def test_settings_stand_beside_their_source():
    given = inputs()
    found = {row.setting: row for row in rows("first", experiment_of(given), given["sources"])}
    assert list(found)[:3] == ["l2", "width", "replicates"]
    assert (found["l2"].here, found["l2"].source, found["l2"].varied) == ("0, 0.3", "ours", True)
    assert (found["width"].paper, found["width"].source) == ("1, 2", "recalled")
    assert (found["rule"].here, found["rule"].source) == ("fa", "")
    elsewhere = rows("other", experiment_of(given), given["sources"])
    assert {row.setting: row.source for row in elsewhere}["l2"] == "recalled"


def experiment_of(given):
    return given["settings"]["experiments"]["first"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (True, "yes"),
        (1e-4, "0.0001"),
        ([0.0, 0.3], "0, 0.3"),
        ("fa", "fa"),
        (50, "50"),
    ],
)
def test_values_are_written_for_people(value, shown):
    assert text(value) == shown


def test_numbers_have_three_digits_and_a_true_minus():
    assert [number(x) for x in (None, -0.5, 1.23456e-26, 8)] == ["–", "−0.5", "1.23e−26", "8"]


def test_what_a_check_left_out_is_told(folders):
    given = inputs()
    given["claims"]["claims"][0]["checks"] = [check(left_out=["2 of it", "1 of that"])]
    assert "2 of it; 1 of that" in Page(render(figures=figures_of(folders), **given)).text


def test_published_values_stand_beside_ours(folders):
    given = inputs()
    point = {
        "point": "relu, l2 <0.2>", "published_mean": 0.85, "published_sd": 0.02, "published_n": 50,
        "mean": 0.86, "sd": 0.03, "n": 8, "difference": 0.01, "ci_low": -0.01, "ci_high": 0.03,
        "threshold": "in [-0.05, 0.05]", "verdict": "agrees", "left_out": ["2 of it"],
    }  # fmt: skip
    bare = {"published_sd": None, "mean": None, "sd": None, "difference": None, "ci_low": None}
    points = [point, point | bare | {"n": 0, "verdict": "inconclusive", "left_out": []}]
    given["claims"]["claims"][0]["checks"] = [check(points=points)]
    html = render(figures=figures_of(folders), **given)
    words = "relu, l2 <0.2> 2 of it 0.85 ± 0.02 (50) 0.86 ± 0.03 (8) 0.01 [−0.01, 0.03]"
    assert words in Page(html).text
    assert "0.85 (50) – (0) – – in [-0.05, 0.05] inconclusive" in Page(html).text
    assert '<span class="badge agrees">agrees</span>' in html


def test_the_script_writes_the_page(folders):
    given = inputs()
    for name in ("claims", "settings", "environment", "status"):
        (folders / f"{name}.json").write_text(json.dumps(given[name]))
    (folders / "sources.yaml").write_text(
        json.dumps({"sources": [s.model_dump() for s in given["sources"]]})
    )
    command = [sys.executable, ROOT / "scripts/page.py", "--results", folders]
    command += ["--figures", *SHOWN, "--captions", folders / "captions/beta.rst"]
    command += ["--sources", folders / "sources.yaml", "--seeds", ROOT / "resources/seeds.csv"]
    specification = {"step": "page"}
    write_specification(folders / "specifications", specification)
    command += ["--spec", folders / f"specifications/{digest_of(specification)}.json"]
    command += ["--receipt", folders / "receipts/page/page.json"]
    # Without docstrings, in a locale that is not UTF-8: neither may matter.
    bare = {"PYTHONOPTIMIZE": "2", "LC_ALL": "POSIX", "PYTHONUTF8": "0"}
    bare |= {"PYTHONCOERCECLOCALE": "0"}
    subprocess.run(command, check=True, env=os.environ | bare)
    assert (folders / "index.html").read_text() == render(figures=figures_of(folders), **given)
    (folders / "claims.json").unlink()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "claims.json" in line


def test_a_fragile_verdict_is_marked():
    given = inputs()
    claim = given["claims"]["claims"][0]["id"]

    def text(*verdicts):
        return Page(render(figures=[], **given | {"seeds": {claim: verdicts}})).text

    assert "under 5 other seeds, in config/seeds.yaml, 5 replicated" in text(*["replicated"] * 5)
    assert "fragile" not in text(*["replicated"] * 5)
    mixed = text(*["replicated"] * 3, "inconclusive", "inconclusive")
    assert (
        "fragile: under 5 other seeds, in config/seeds.yaml, 3 replicated, 2 inconclusive" in mixed
    )
