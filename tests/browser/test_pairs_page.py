"""The page of pairs in a real headless Chromium: filters, comparing by keyboard, phone, dark, no network."""

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.chromium import Chromium

from eliq_bench.eliq.pairs.build import build_pairs
from eliq_bench.eliq.pairs.settings import BuildSettings
from eliq_bench.eliq.pairs.show import PageSelection, changed_words, select_groups, write_page
from eliq_bench.errors import InputError

PROMPTS = ("A red boat & a <b>river</b>", "A cat and a dog", "A castle at night", "A panda on a bicycle")
NEGATIVES = "[...document.querySelectorAll('.negative')].filter((figure) => figure.offsetParent)"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pool = tmp_path_factory.mktemp("pool")
    rows = [("image", "prompt", "generator")]
    for number in range(12):
        grid = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        image = Image.fromarray(grid).resize((256, 256), Image.Resampling.BICUBIC)
        image.save(pool / f"{number:02d}.png")
        rows.append((f"{number:02d}.png", f"{PROMPTS[number % 4]} {number // 4}", "one"))
    with (pool / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    settings = BuildSettings(severities=(1, 3, 5), per_mode=3)
    return build_pairs(pool, tmp_path_factory.mktemp("pairs"), settings, workers=2).manifest


@pytest.fixture(scope="module")
def file(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("page") / "pairs.html"
    write_page(manifest, target, PageSelection(each=1), size=96)
    return target


@pytest.fixture
def page(browser: Chromium, file: Path) -> Iterator[Chromium]:
    """The page, wide and light; afterwards nothing may have gone wrong and nothing been asked of a network."""
    browser.size(1280, 900)
    browser.colours("light")
    browser.open("about:blank")
    browser.open(file.as_uri())
    yield browser
    assert browser.problems() == []
    assert all(url.startswith((file.as_uri(), "data:")) for url in browser.requests())


def select(page: Chromium, field: str, value: str) -> None:
    page.run(
        f"(() => {{ const field = document.querySelector('#f-{field}'); field.value = '{value}'; "
        "field.dispatchEvent(new Event('change')); })()"
    )


def count(page: Chromium) -> str:
    found: str = page.run("document.querySelector('#count').textContent")
    return found


def test_severities_of_a_mode_share_their_positive(manifest: Path) -> None:
    groups = select_groups(manifest, PageSelection(each=1, mode="tilt"))
    assert [[pair.severity for pair in group.pairs] for group in groups] == [[1, 3, 5]]
    twice = select_groups(manifest, PageSelection(each=2, mode="tilt"))
    assert len(twice) == 2
    assert len({group.pairs[0].positive for group in twice}) == 2
    with pytest.raises(InputError, match="no pair of cell"):
        select_groups(manifest, PageSelection(cell="sound"))


def test_changed_words_are_marked() -> None:
    assert [word.text for word in changed_words("a red cat sits", "a blue cat sits") if word.changed] == ["blue"]
    assert all(word.changed for word in changed_words("a cat", "two dogs"))


def test_it_needs_nothing_but_itself(file: Path, manifest: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "http" not in text.replace("http-equiv", "")
    assert str(manifest.parent) not in text
    assert "<b>river</b>" not in text


def test_all_cells_are_there_and_every_picture_has_a_text(page: Chromium) -> None:
    assert len(page.run("[...document.querySelectorAll('h2')].map((h) => h.textContent).slice(0, 6)")) == 6
    assert page.run("[...document.images].every((image) => image.alt || image.closest('dialog'))")
    assert page.run("[...document.images].every((image) => !image.src || image.naturalWidth > 0)")
    assert page.run("[...document.querySelectorAll('select')].every((field) => field.closest('label'))")
    assert page.run("document.querySelectorAll('blockquote mark').length") > 0
    total = page.run("document.querySelectorAll('.negative').length")
    assert count(page) == f"{total} of {total} pairs shown."


def test_filters_leave_what_is_asked_for_and_say_how_much(page: Chromium) -> None:
    select(page, "severity", "3")
    assert set(page.run(f"{NEGATIVES}.map((figure) => figure.dataset.severity)")) == {"3"}
    select(page, "cell", "conventional/aesthetic")
    select(page, "mode", "tilt")
    assert page.run(f"{NEGATIVES}.length") == 1
    assert count(page).startswith("1 of ")
    assert page.run("[...document.querySelectorAll('h3')].filter((h) => h.offsetParent).length") == 1
    select(page, "cell", "generative/aesthetic")
    assert count(page).startswith("0 of ")
    assert page.run("!document.querySelector('#none').hidden")


def test_a_pair_is_compared_by_keyboard(page: Chromium) -> None:
    select(page, "mode", "tilt")
    page.run(f"{NEGATIVES}[0].querySelector('button').focus()")
    page.press("Enter", 13, "\r")
    assert page.run("document.querySelector('#view').open")
    assert page.run("document.querySelector('#v-title').textContent") == "tilt, severity 1"
    page.press("ArrowRight", 39)
    assert page.run("document.querySelector('#v-title').textContent") == "tilt, severity 3"
    page.press("ArrowLeft", 37)
    page.press("ArrowLeft", 37)
    assert page.run("document.querySelector('#v-title').textContent") == "tilt, severity 5"
    seen = "[...document.querySelectorAll('#v-images img')].filter((i) => i.offsetParent).map((i) => i.id)"
    assert page.run(seen) == ["v-positive", "v-negative"]
    page.press(" ", 32, " ")
    assert page.run(seen) == ["v-negative"]
    page.press(" ", 32, " ")
    assert page.run(seen) == ["v-positive"]
    page.press("Escape", 27)
    assert not page.run("document.querySelector('#view').open")
    focused = "document.activeElement.closest('.negative').dataset.severity"
    until = time.monotonic() + 5  # the browser tells of the closed dialog in a task of its own
    while page.run(focused) != "5" and time.monotonic() < until:
        time.sleep(0.05)
    assert page.run(focused) == "5"


def test_it_fits_a_phone_and_follows_dark(page: Chromium, tmp_path: Path) -> None:
    page.size(390, 844, phone=True)
    assert page.run("document.documentElement.scrollWidth") <= 390
    light = page.run("getComputedStyle(document.body).backgroundColor")
    page.colours("dark")
    assert page.run("getComputedStyle(document.body).backgroundColor") != light
    page.picture(tmp_path / "phone.png")
    with Image.open(tmp_path / "phone.png") as picture:
        assert len(picture.getcolors(2**24) or []) > 100
