"""The book in a real browser: `make test-book`, which builds it first and needs Chromium."""

import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
BOOK = Path(__file__).resolve().parents[2] / "build" / "book"
PAGES = sorted(
    str(path.relative_to(BOOK))
    for path in BOOK.rglob("*.html")
    if "_static" not in path.parts  # templates of the theme
    and path != BOOK / "index.html"  # it only leads on
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium: on Debian, apt install chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.complaints = []
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: message.type == "error" and opened.complaints.append(message.text),
    )
    yield opened
    context.close()


def visit(page, name):
    page.goto((BOOK / name).as_uri())
    page.wait_for_load_state("load")
    return page


def test_there_is_a_book():
    assert "book/index.html" in PAGES, "build it first: make book"


def test_the_front_of_the_folder_leads_to_the_first_page(page):
    visit(page, "index.html").wait_for_url("**/book/index.html")


@pytest.mark.parametrize("name", PAGES)
def test_it_loads_without_errors_and_its_mathematics_is_typeset(page, name):
    visit(page, name)
    if page.locator(".math").count():
        page.wait_for_selector("mjx-container", state="attached")
        page.evaluate("MathJax.startup.promise")
        assert page.locator("mjx-merror").count() == 0
        written, typeset = page.locator(".math").count(), page.locator("mjx-container").count()
        assert typeset >= written
    assert page.complaints == []


@pytest.mark.parametrize("name", PAGES)
def test_its_links_to_other_pages_resolve(page, name):
    visit(page, name)
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    for link in {link for link in links if link.startswith("file:")}:
        target, _, anchor = link.removeprefix("file://").partition("#")
        path = Path(unquote(target))
        assert path.exists(), link
        if anchor and path.suffix == ".html":
            assert f'id="{unquote(anchor)}"' in path.read_text(encoding="utf-8"), link


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_it_fits_the_screen(page, name, size):
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    visit(page, name)
    screenshots = BOOK.parent / "screenshots"
    screenshots.mkdir(exist_ok=True)
    page.screenshot(path=screenshots / f"{Path(name).stem}-{size}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_zonotope_turns_by_mouse_and_by_keys(page):
    visit(page, "notebooks/04-zonotopes.html")
    solid = page.locator("#zonotope")
    solid.scroll_into_view_if_needed()
    shown = [solid.inner_html()]
    box = solid.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    shown.append(solid.inner_html())
    solid.press("ArrowUp")
    shown.append(solid.inner_html())
    assert len(set(shown)) == 3
    assert all("<polygon" in drawn for drawn in shown)


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("notebooks/")])
def test_its_films_run_by_keys_and_by_button(page, name):
    visit(page, name)
    for film in page.locator("[id^=film]").all():
        picture, slider = film.locator("img"), film.locator("input")
        shown, said = picture.get_attribute("src"), film.locator("output").inner_text()
        slider.press("ArrowRight")
        assert picture.get_attribute("src") != shown
        assert film.locator("output").inner_text() != said
        slider.press("Home")
        shown = picture.get_attribute("src")
        film.locator("button").click()
        page.wait_for_function(
            "([film, shown]) => film.querySelector('img').src !== shown",
            arg=[film.element_handle(), shown],
        )
        film.locator("button").click()
        assert film.locator("button").inner_text() == "play"
    assert page.complaints == []
