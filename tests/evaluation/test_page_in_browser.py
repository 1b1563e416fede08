"""The page in a real browser: nothing leaves it, nothing in it runs but its script, and keyboard, screen reader and phone get along."""

import json

import pytest

from tests.evaluation.browser import Browser, find_chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def page(browser, shown_report):
    browser.open(shown_report / "report.html")
    return browser


def visible_dialog(browser):
    return browser.run("document.querySelector('dialog').open")


def shown_words(browser):
    return browser.run("document.querySelector('dialog p').textContent")


def tile_words(browser):
    return browser.run("[...document.querySelectorAll('.item')].map(i => [...i.querySelectorAll('button')].map(b => b.dataset.words))")


def test_the_page_asks_for_nothing_and_its_script_runs_without_a_complaint(page, shown_report):
    assert [url for url in page.requests if not url.startswith("data:")] == [(shown_report / "report.html").as_uri()]
    assert page.messages == []
    assert page.run("document.documentElement.classList.contains('scripted')")


def test_all_pictures_are_there(page):
    loaded = page.run("Promise.all([...document.querySelectorAll('.tiles img')].map(i => i.decode())).then(all => all.length)")
    assert loaded == 4 * page.run("document.querySelectorAll('.item').length") > 0
    assert page.run("[...document.querySelectorAll('.tiles img')].every(i => i.naturalWidth == 32 && i.alt.length > 5)")


def test_a_hostile_name_is_a_text_in_the_page(page):
    assert "run" != page.run("document.title")
    assert page.run("document.querySelectorAll('img[src=x]').length") == 0
    assert page.run("document.body.textContent").count("<img src=x onerror=") > 0


def test_a_script_that_found_its_way_into_the_page_would_not_run(browser, shown_report, tmp_path):
    text = (shown_report / "report.html").read_text(encoding="utf-8")
    planted = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\"><img src='https://127.0.0.1:9/x.png'>"
    (tmp_path / "planted.html").write_text(text.replace("</h1>", f"</h1>{planted}", 1), encoding="utf-8")
    browser.open(tmp_path / "planted.html")
    assert browser.run("document.title") != "run"
    assert len([message for message in browser.messages if "Content Security Policy" in message]) >= 3


def test_a_picture_is_enlarged_compared_and_left_with_the_keyboard_alone(page):
    words = tile_words(page)
    page.run("document.querySelector('.tiles button').focus()")
    page.press("Enter")
    assert visible_dialog(page) and shown_words(page) == words[0][0]
    page.press("ArrowRight")
    assert shown_words(page) == words[0][1] and page.run("document.querySelector('dialog img').alt") == words[0][1]
    page.press("ArrowDown")
    assert shown_words(page) == words[1][1]
    page.press("ArrowLeft")
    page.press("ArrowLeft")
    assert shown_words(page) == words[1][-1]  # before the first comes the last
    width = "document.querySelector('dialog img').decode().then(() => parseFloat(document.querySelector('dialog img').style.width))"
    before = page.run(width)
    page.press("+")
    assert page.run(width) == before + 32 and before % 32 == 0  # whole pixels
    page.press("Escape")
    assert not visible_dialog(page)
    for _ in range(100):  # the page hears of the closing a moment later
        focused = page.run("new Promise(done => requestAnimationFrame(() => done(document.activeElement.dataset.words)))")
        if focused == words[1][-1]:
            break
    assert focused == words[1][-1]


def test_every_picture_and_wide_table_is_reached_with_the_tab_key(page):
    page.run("document.body.focus()")
    reached = set()
    wanted = set(
        page.run("[...document.querySelectorAll('.scroll, .tiles button, nav a, input')].map((e, n) => (e.dataset.stop = n, '' + n))")
    )
    page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    for _ in range(len(wanted) + 40):
        page.press("Tab")
        reached.add(page.run("document.activeElement.dataset.stop ?? ''"))
    assert wanted and wanted <= reached


def test_a_screen_reader_is_told_what_each_thing_is(page):
    named = page.names()
    assert all(name for role, name in named if role in ("button", "link", "image", "slider", "heading", "dialog"))
    assert any(role == "columnheader" and name.startswith("PSNR") and "higher is better" in name for role, name in named)
    assert any(role in ("cell", "gridcell") and name.endswith(" best") for role, name in named)
    headings = page.run("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert headings[0] == 1 and all(after - before <= 1 or before == 2 for before, after in zip(headings, headings[1:]))


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_the_page_is_as_wide_as_the_window_and_its_tables_scroll_in_their_boxes(browser, shown_report, width):
    browser.open(shown_report / "report.html", width=width, height=700)
    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.run("document.querySelector('.tiles button').click()")
    assert browser.run("document.querySelector('dialog').scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out_from_their_ground(browser, shown_report, dark):
    """WCAG 2.2: 4.5 to 1 for texts; colours as the browser computed them."""
    browser.open(shown_report / "report.html", dark=dark)
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    pairs = json.loads(
        browser.run(
            """JSON.stringify([...document.querySelectorAll('main *, header *')].filter(e => e.checkVisibility() &&
            [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())).map(e => {
              let ground = e;
              while (ground && getComputedStyle(ground).backgroundColor == 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
              return [getComputedStyle(e).color, getComputedStyle(ground ?? document.body).backgroundColor];
            }))"""
        )
    )

    def luminance(colour):
        levels = [int(level) / 255 for level in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    brightness = [luminance(ground) for _, ground in map(tuple, {tuple(pair) for pair in pairs})]
    assert (max(brightness) < 0.2) == dark
    for text, ground in {tuple(pair) for pair in pairs}:
        lighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)


def test_without_its_script_the_page_still_shows_everything(browser, shown_report, tmp_path):
    text = (shown_report / "report.html").read_text(encoding="utf-8")
    start = text.index("<script>")
    (tmp_path / "plain.html").write_text(text[:start] + text[text.index("</script>", start) :], encoding="utf-8")
    browser.open(tmp_path / "plain.html")
    assert browser.run("[...document.querySelectorAll('.tiles img')].every(i => i.naturalWidth == 32)")
    assert not browser.run("document.querySelector('.size').checkVisibility()")
