"""The page of the boards in a real headless Chromium: what a reader can do with it, and what it never does."""

import json
from collections.abc import Iterator

import pytest
from support.boards import MODELS, Model, make_run
from support.chromium import Chromium

from eliq_bench.leaderboard.add import add_run
from eliq_bench.leaderboard.folder import render

QUALITY = 'table[data-key="toy/quality"]'


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    base = tmp_path_factory.mktemp("page")
    add_run(make_run(base / "toy"), base / "boards")
    closed = {name: MODELS[name] for name in ("sharp_one", "noisy", "bytes")}
    closed["a_model_with_a_very_long_name-that-goes-on-and-on_v1.5"] = Model(0.5)
    add_run(make_run(base / "closed", closed, dataset="closed", licence="none stated"), base / "boards")
    render(base / "boards")
    return (base / "boards" / "index.html").as_uri()


@pytest.fixture
def page(browser: Chromium, address: str) -> Iterator[Chromium]:
    """The page, wide and light; afterwards nothing may have gone wrong on it."""
    browser.size(1280, 900)
    browser.colours("light")
    browser.open("about:blank")
    browser.open(address)
    browser.run("localStorage.clear()")
    yield browser
    assert browser.problems() == []
    asked = browser.requests()
    assert asked
    assert all(url.startswith((address, "data:")) for url in asked), asked


def names(page: Chromium, table: str = QUALITY) -> list[str]:
    """Models of a table from top to bottom, as far as they are shown."""
    rows = f"[...document.querySelectorAll({json.dumps(table + ' tbody [data-kind]')})]"
    found: list[str] = page.run(f"{rows}.filter((row) => row.offsetParent).map((row) => row.dataset.name)")
    return found


def text(page: Chromium, selector: str) -> str:
    found: str = page.run(f"document.querySelector({json.dumps(selector)}).innerText")
    return found


def test_it_opens_sorted_by_srcc_with_all_rows_and_the_words_above(page: Chromium) -> None:
    assert names(page)[0] == "noise ceiling"
    assert set(names(page)) >= {*MODELS, "generator floor (setting)", "generator floor (family)"}
    order = page.run(f"document.querySelector('{QUALITY} .c-srcc').getAttribute('aria-sort')")
    assert order == "descending"
    says = text(page, '[id="toy/quality"] .says')
    assert "What this says" in says
    assert "sharp_one" in says
    assert "generator floor" in says
    assert text(page, "#count") == "16 of 16 rows shown."


def test_headers_sort_both_ways_and_unknown_values_stay_last(page: Chromium) -> None:
    by_srcc = names(page)
    *others, control = by_srcc
    assert control == "follows", "a score made for alignment stands below the others"
    page.click(f"{QUALITY} thead .c-model button")
    assert names(page) == [*sorted(others, key=str.lower), control]
    page.click(f"{QUALITY} thead .c-model button")
    assert names(page) == [*sorted(others, key=str.lower, reverse=True), control]
    assert page.run(f"document.querySelector('{QUALITY} .c-srcc').hasAttribute('aria-sort')") is False
    tier = f"{QUALITY} thead th:nth-child(3)"
    page.click(f"{tier} button")
    tiers = page.run(
        f"[...document.querySelectorAll('{QUALITY} tbody [data-kind]')].map((row) => row.dataset.tier || '')"
    )
    known = [int(value) for value in tiers if value]
    assert known == sorted(known)
    assert tiers[: len(known)] == [str(value) for value in known]
    assert page.run(f"document.querySelector('{tier}').getAttribute('aria-sort')") == "ascending"
    assert text(page, "#count") == "Sorted by tier, ascending."
    page.click(f"{QUALITY} thead .c-srcc button")
    assert names(page) == by_srcc


def test_the_keyboard_is_enough(page: Chromium) -> None:
    page.press("Tab", 9)
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("getComputedStyle(document.activeElement).left") == "0px", "seen once it has the focus"
    page.run(f"document.querySelector('{QUALITY} thead .c-model button').focus()")
    page.press("Enter", 13, "\r")
    assert page.run(f"document.querySelector('{QUALITY} .c-model').getAttribute('aria-sort')") == "ascending"
    page.run(f"document.querySelector('{QUALITY} [data-name=\"noisy\"] .open').focus()")
    style = page.run("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid", "the focus is visible"
    page.press("Enter", 13, "\r")
    assert page.run("document.getElementById('detail').open") is True
    assert page.run("document.activeElement.id") == "d-name", "a reader hears what was opened"
    page.press("Escape", 27)
    assert page.run("document.getElementById('detail').open") is False
    assert page.run("document.activeElement.textContent") == "noisy", "the focus comes back"


def test_filters_by_text_supervision_dataset_and_dimension(page: Chromium) -> None:
    page.click("#f-text")
    for letter in "OnE":
        page.press(letter, ord(letter.upper()), letter)
    models = {"noise ceiling", "generator floor (setting)", "generator floor (family)"}
    assert set(names(page)) - models == {"sharp_one"}
    page.click('#filters button[type="reset"]')
    page.run("new Promise((done) => setTimeout(done, 20))")
    everything = set(names(page))
    page.click('input[value="training-free"]')
    assert everything - set(names(page)) == {"sharp_one", "noisy", "bytes"}
    page.click('input[value="control"]')
    assert "follows" not in names(page)
    page.click('#filters button[type="reset"]')
    page.run("new Promise((done) => setTimeout(done, 20))")
    page.click('input[value="floor"]')
    assert everything - set(names(page)) == {"bytes"}
    for field, value in (("dataset", "toy"), ("dimension", "alignment"), ("protocol", "zero-shot")):
        page.run(
            f"(() => {{ const f = document.getElementById('f-{field}'); f.value = '{value}'; "
            "f.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
    shown = "[...document.querySelectorAll('.board')].filter((s) => !s.hidden).map((s) => s.id)"
    assert page.run(shown) == ["toy/alignment"]


def test_scores_made_for_another_dimension_stand_below_under_a_line_of_their_own(page: Chromium) -> None:
    divider = f"document.querySelector('{QUALITY} .divider')"
    assert "not ranked" in page.run(f"{divider}.innerText")
    places = page.run(
        f"[{divider}, ...document.querySelectorAll('{QUALITY} [data-kind=model], {QUALITY} [data-kind=control]')]"
        ".map((row) => [row.dataset.kind || 'line', row.getBoundingClientRect().top])"
    )
    by_place = [kind for kind, _ in sorted(places, key=lambda place: float(place[1]))]
    assert by_place == ["model"] * 4 + ["line", "control"]
    page.click('input[value="control"]')
    assert page.run(f"{divider}.offsetParent") is None
    assert page.run("document.querySelectorAll('table[data-key=\"closed/quality\"] .divider').length") == 0


def test_a_filter_that_leaves_nothing_says_so(page: Chromium) -> None:
    page.run(
        "(() => { const f = document.getElementById('f-text'); f.value = 'zzz'; "
        "f.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert text(page, "#count").startswith("0 of")
    assert page.run("document.querySelector('.board .none').hidden") is False


def test_a_model_opens_with_plots_and_tests(page: Chromium) -> None:
    page.click(f'{QUALITY} [data-name="sharp_one"] .open')
    assert page.run("document.getElementById('detail').open") is True
    assert text(page, "#d-name") == "sharp_one"
    assert "tier 1" in text(page, "#d-sub")
    body = text(page, "#d-body")
    for heading in (
        "Score against people",
        "Within each generator",
        "Within each prompt",
        "Who it is separable from",
        "Pairwise accuracy within prompt",
        "Generators, Kendall tau",
    ):
        assert heading in body
    dots = page.run("document.querySelector('.points').getAttribute('d').split('M').length - 1")
    assert dots == 160
    assert page.run("document.querySelector('.curve').getAttribute('d').length") > 100
    rows = page.run(
        "[...document.querySelectorAll('#d-body .pairs tbody tr')].map((row) => row.innerText.split(/\\s+/)[0])"
    )
    assert set(rows) == {"blurred-two", "reversed", "noisy", "bytes", "follows"}
    verdicts = page.run("[...document.querySelectorAll('#d-body .verdict.better')].length")
    assert verdicts >= 2
    assert page.run("location.hash") == "#toy/quality/sharp_one"


def settle(page: Chromium) -> None:
    """Wait until the browser has gone where it was sent."""
    page.run("new Promise((done) => setTimeout(done, 100))")


def test_back_returns_from_a_model_to_the_table_and_closing_takes_the_step_back(page: Chromium) -> None:
    page.run("history.replaceState(null, '', '#toy')")
    steps = page.run("history.length")
    link = f'{QUALITY} [data-name="noisy"] .open'
    page.click(link)
    scrolled = page.run("scrollY")
    assert page.run("document.getElementById('detail').open") is True
    assert page.run("history.length") == steps + 1
    page.run("history.back()")
    settle(page)
    assert page.run("document.getElementById('detail').open") is False
    assert page.run("[location.hash, scrollY]") == ["", scrolled], "and the row is where it was"
    assert page.run("document.activeElement.textContent") == "noisy"
    page.run("history.forward()")
    settle(page)
    assert text(page, "#d-name") == "noisy"
    page.click("#d-close")
    settle(page)
    assert page.run("location.hash") == ""
    for _ in range(2):
        page.click(link)
        page.press("Escape", 27)
        settle(page)
    assert page.run("[location.hash, history.length]") == ["", steps + 1]
    assert page.run(f"document.querySelector({json.dumps(link)}).getAttribute('href')") == "#toy/quality/noisy"


def seen(page: Chromium, selector: str) -> bool:
    """Whether the middle of an element is inside the window and covered by nothing else."""
    found: bool = page.run(
        f"(() => {{ const e = document.querySelector({json.dumps(selector)}), b = e.getBoundingClientRect(); "
        "const top = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2); "
        "return b.width > 0 && b.left >= 0 && b.right <= innerWidth && e.contains(top); })()"
    )
    return found


def scroll_to(page: Chromium, selector: str, block: str) -> None:
    where = json.dumps({"block": block, "behavior": "instant"})
    page.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({where})")


@pytest.mark.parametrize("width", [390, 768, 1280, 1500])
def test_the_header_of_a_table_stays_in_sight(browser: Chromium, address: str, width: int) -> None:
    browser.size(width, 280, phone=width < 700)
    browser.open("about:blank")
    browser.open(address)
    for _ in range(2):  # with the columns that fit, and with all of them in a frame that scrolls
        scroll_to(browser, f"{QUALITY} [data-name=noisy]", "end")
        assert browser.run(f"document.querySelector('{QUALITY}').getBoundingClientRect().top") < -50
        for column in ("c-model", "c-srcc"):
            assert seen(browser, f"{QUALITY} thead .{column} button"), column
        browser.run("document.getElementById('every').checked = true")
    browser.size(1280, 900)


def test_a_phone_shows_the_columns_that_count_and_all_of_them_when_asked(browser: Chromium, address: str) -> None:
    browser.size(390, 844, phone=True)
    browser.open("about:blank")
    browser.open(address)
    row = f'{QUALITY} [data-name="sharp_one"]'
    scroll_to(browser, row, "center")
    for part in (".open", ".value b", ".value .ci", ".tier", ".c-tier .sub"):
        assert seen(browser, f"{row} {part}"), part
    assert text(browser, f"{row} .ci").startswith("[0.")
    ranks = text(browser, f"{row} .c-tier .sub")
    assert ranks
    hidden = f"[...document.querySelectorAll({json.dumps(row + ' td')})].filter((cell) => !cell.offsetParent).length"
    assert browser.run(hidden) >= 4
    browser.click("#every")
    assert browser.run(hidden) == 0
    cells = browser.run(f"[...document.querySelectorAll({json.dumps(row + ' td')})].map((cell) => cell.innerText)")
    assert ranks in cells, "the ranks stand in a column of their own now"
    assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True
    browser.run(f"document.querySelector('{QUALITY}').closest('.scroll').scrollTo({{left: 9999, behavior: 'instant'}})")
    scroll_to(browser, row, "center")
    assert seen(browser, f"{row} .open"), "the name stays"
    assert seen(browser, f"{row} td:last-child"), "the last column can be reached"
    browser.click(f"{row} .open")
    assert text(browser, "#d-body .verdict.better small").startswith("p ≤ 0."), "the test's p stands with its verdict"
    assert browser.problems() == []


def test_a_generator_marks_its_images_and_ranks_replace_scores(page: Chromium) -> None:
    page.click(f'{QUALITY} [data-name="reversed"] .open')
    page.click(".list button")
    assert page.run("document.querySelector('.points.chosen').getAttribute('d').split('M').length - 1") == 40
    assert page.run("document.querySelector('.list button').getAttribute('aria-pressed')") == "true"
    page.click(".list button")
    assert page.run("document.querySelector('.points.chosen')") is None
    page.click(".switch button:nth-child(2)")
    assert page.run("document.querySelector('.curve')") is None
    assert "lower is better" in page.run("document.querySelector('.plot').textContent")


def test_without_labels_a_grid_of_counts_stands_in(page: Chromium) -> None:
    page.click('table[data-key="closed/quality"] [data-name="sharp_one"] .open')
    assert "may not be passed on" in text(page, "#d-body")
    assert page.run("document.querySelectorAll('.cell').length") > 5
    assert page.run("document.querySelector('.points')") is None
    data = json.loads(page.run("document.getElementById('data').textContent"))
    assert "labels" not in data["closed/quality"]
    assert all("points" not in model for model in data["closed/quality"]["models"])


def test_an_address_opens_a_model(browser: Chromium, address: str) -> None:
    browser.open("about:blank")
    browser.open(f"{address}#toy/quality/blurred-two")
    assert browser.run("document.getElementById('detail').open") is True
    assert browser.run("document.getElementById('d-name').textContent") == "blurred-two"
    browser.open(f"{address}#toy/quality/noisy")
    browser.run("new Promise((done) => setTimeout(done, 50))")
    assert browser.run("document.getElementById('d-name').textContent") == "noisy"
    assert browser.problems() == []


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
@pytest.mark.parametrize("place", ["", "#toy/quality/sharp_one"])
def test_no_page_scrolls_sideways(browser: Chromium, address: str, width: int, place: str) -> None:
    browser.size(width, 844, phone=width < 700)
    browser.open("about:blank")
    browser.open(address + place)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth") is True
    if place:
        assert browser.run(
            "(() => { const d = document.getElementById('detail'); return d.scrollWidth <= d.clientWidth; })()"
        )
    elif width < 700:
        assert browser.run("[...document.querySelectorAll('.scroll')].every((s) => s.scrollWidth <= s.clientWidth)")
        tall = browser.run("[...document.querySelectorAll('#theme, select, .check')].map((e) => e.offsetHeight)")
        assert min(height for height in tall if height) >= 32, "large enough for a finger"


def contrast(first: str, second: str) -> float:
    """Contrast of two colours such as `rgb(1, 2, 3)`, as WCAG 2 defines it."""

    def light(colour: str) -> float:
        parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_both_schemes(page: Chromium, scheme: str) -> None:
    page.colours(scheme)
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert (contrast(paper, "rgb(0, 0, 0)") > 10) == (scheme == "light")
    for selector in (
        "h1",
        ".lead",
        ".facts",
        ".sub",
        ".ci",
        ".open",
        ".key-floor",
        ".key-ceiling",
        ".dimension",
    ):
        colour = page.run(f"getComputedStyle(document.querySelector('{selector}')).color")
        assert contrast(paper, colour) >= 4.5, (scheme, selector, colour, paper)


def test_the_colours_can_be_switched_and_are_kept(page: Chromium, address: str) -> None:
    before = page.run("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    after = page.run("getComputedStyle(document.body).backgroundColor")
    assert before != after
    assert text(page, "#theme") == "Light colours"
    page.open("about:blank")
    page.open(address)
    assert page.run("getComputedStyle(document.body).backgroundColor") == after


def test_it_can_be_read_without_its_script(browser: Chromium, address: str) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open("about:blank")
        browser.open(address)
        nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    roles = [node.get("role", {}).get("value") for node in nodes]
    assert roles.count("table") == 3
    assert "columnheader" in roles
    assert "rowheader" in roles
    spoken = [node.get("name", {}).get("value", "") for node in nodes]
    assert any("sharp_one" in name for name in spoken)
