"""The playground's web page in a real browser, with the real bot behind it. Skipped where there is no Chromium."""

import asyncio
import functools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from bot.attachments import PREVIEW_NAME
from bot.playground import Playground
from tests.e2e.conftest import DRAWN, BotProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

T = TypeVar("T")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1200,900",
    # A mouse, which headless Chromium does not claim to have.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
)
PATIENCE = 15.0
PREVIEW = f'.picture[title="{PREVIEW_NAME}"]'
FINISHED = f'.picture:not([title="{PREVIEW_NAME}"])'


class Window:
    """The page in a browser's window, found by what a person looks for."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, person: str = "ada", channel: str = "general") -> None:
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}/#{person}/{channel}")
        self.wait(lambda: self.all(".welcome") and self.one("#bot").text == "Easel is online")

    def all(self, css: str, within: WebElement | None = None) -> list[WebElement]:
        return (self.driver if within is None else within).find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str, within: WebElement | None = None) -> WebElement:
        return self.wait(lambda: next((found for found in self.all(css, within) if found.is_displayed()), None))

    def wait(self, look: Callable[[], T | None], within: float = PATIENCE) -> T:
        """What `look` finds; elements that are drawn anew meanwhile are looked for again."""
        waiting = WebDriverWait(self.driver, within, 0.1, ignored_exceptions=(StaleElementReferenceException,))
        found = waiting.until(lambda _: look())
        assert found is not None
        return found

    def type(self, *keys: str) -> None:
        """Type where the focus is, as a person does."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def write(self, *keys: str) -> None:
        self.one(".line textarea").click()
        self.type(*keys)

    def messages(self, holding: str = "") -> list[WebElement]:
        return [message for message in self.all(".message") if holding in message.text]

    def message(self, holding: str, within: float = PATIENCE) -> WebElement:
        """The newest message that holds these words."""
        return self.wait(lambda: next(reversed(self.messages(holding)), None), within)

    def pictures(self) -> int:
        return len(self.all(f".message {FINISHED} img"))

    def next_picture(self, before: int) -> WebElement:
        """The message of the next picture, once the picture itself is there."""
        self.wait(lambda: self.pictures() > before or None, DRAWN)
        newest = self.all(f".message:has({FINISHED})")[-1]
        image = self.one(".picture img", newest)
        self.wait(lambda: self.driver.execute_script("return arguments[0].naturalWidth > 0", image) or None)
        return newest

    def enter(self, channel: str) -> None:
        self.wait(lambda: next((place for place in self.all(".place") if channel in place.text), None)).click()

    def press(self, message: WebElement, label: str) -> None:
        next(button for button in self.all(".button", message) if button.text == label).click()

    def tool(self, message: WebElement, label: str) -> None:
        ActionChains(self.driver).move_to_element(message).perform()
        self.wait(
            lambda: next((tool for tool in self.all(".tools button", message) if label in tool.text), None)
        ).click()

    def draw(self, prompt: str) -> WebElement:
        before = self.pictures()
        self.write(f"/imagine {prompt}")
        self.one(".call .chip[data-option=steps]").click()
        self.type("2", Keys.ENTER)
        return self.next_picture(before)

    def drawn(self) -> WebElement:
        """A message with a picture; one is drawn where none is there."""
        there = self.all(f".message:has({FINISHED}):has(.button)")
        return there[-1] if there else self.draw("a fox in a forest")


def in_browser(test: Callable[..., None]) -> Callable[..., object]:
    """Run a test beside the event loop, which serves the page meanwhile."""

    @functools.wraps(test)
    async def run(**fixtures: object) -> None:
        await asyncio.to_thread(test, **fixtures)

    return run


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("the page is tested where Chromium and its driver are installed (chromium, chromium-driver)")
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with Chrome(options=options, service=Service(DRIVER)) as driver:
        yield driver


@pytest.fixture
def window(driver: Chrome, playground: Playground, easel: BotProcess) -> Iterator[Window]:
    del easel
    yield Window(driver, playground.url)
    # What the server refuses is told on the page; the browser notes each refusal, too.
    said = [entry["message"] for entry in driver.get_log("browser") if "422" not in entry["message"]]
    assert said == []


@in_browser
def test_picture_is_drawn_replied_to_and_rerolled(window: Window) -> None:
    window.open()
    first = window.draw("a red cat on the beach")
    assert "a red cat on the beach" in first.text

    before = window.pictures()
    window.tool(first, "Reply")
    assert "a red cat on the beach" in window.one(".replying").text
    window.type("a blue cat --strength 0.5 --steps 2", Keys.ENTER)
    second = window.next_picture(before)
    assert "a blue cat" in second.text
    assert "strength 0.5" in second.text

    window.press(second, "Re-roll")
    third = window.next_picture(before + 1)
    assert "a blue cat" in third.text
    assert third.text != second.text


@pytest.mark.timeout(900)
@in_browser
def test_picture_is_shown_while_it_is_being_drawn(window: Window) -> None:
    window.open()
    before = window.pictures()
    window.write("/imagine a red house in the snow")
    window.one(".call .chip[data-option=steps]").click()
    window.type("100", Keys.ENTER)
    waiting = window.wait(lambda: next(iter(window.all(f".message:has({PREVIEW})")), None), DRAWN)
    window.wait(lambda: " of 100" in waiting.text or None, DRAWN)
    preview = window.one(f"{PREVIEW} img", waiting)
    assert (
        window.wait(lambda: window.driver.execute_script("return arguments[0].naturalWidth", preview) or None) > 63
    )
    window.wait(lambda: window.pictures() > before or None, 4 * DRAWN)
    window.wait(lambda: not window.all(f".message:has({PREVIEW})") or None)


@in_browser
def test_commands_are_offered_while_one_types(window: Window) -> None:
    window.open()
    window.write("/")
    names = [line.text.split(maxsplit=1)[0] for line in window.all(".options [role=option]")]
    assert "/imagine" in names
    window.type("seed")
    assert {line.text.split()[0] for line in window.all(".options [role=option]")} == {"/seed"}
    window.type(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    chosen = window.one('.options [aria-selected="true"] b').text
    window.type(Keys.ENTER)
    assert window.one(".call .top b").text == chosen
    window.type(Keys.ESCAPE)
    assert window.one(".line textarea").get_attribute("value") == ""


@in_browser
def test_pasted_command_fills_its_options(window: Window) -> None:
    window.open()
    window.write("/")
    window.driver.execute_script(
        "const area = document.activeElement; area.value = '/imagine prompt: a red cat steps: 4 size: landscape';"
        "area.dispatchEvent(new Event('input', { bubbles: true }));"
    )
    values = {
        option.get_attribute("data-option"): window.one("input, textarea", option).get_attribute("value")
        for option in window.all(".call .option")
    }
    assert values == {"prompt": "a red cat", "steps": "4", "size": "landscape"}


@in_browser
def test_required_option_is_asked_for(window: Window) -> None:
    window.open()
    before = len(window.messages())
    window.write("/imagine ")
    window.type(Keys.ENTER)
    assert window.one(".call .problem").text.startswith("prompt is needed")
    assert len(window.messages()) == before


@in_browser
def test_value_out_of_bounds_is_told_and_nothing_is_lost(window: Window) -> None:
    window.open()
    window.write("/imagine a red cat")
    window.one(".call .chip[data-option=count]").click()
    window.type("9", Keys.ENTER)
    problem = window.one(".call .problem").text
    assert "count" in problem
    assert "4" in problem
    assert window.one(".call textarea").get_attribute("value") == "a red cat"


@in_browser
def test_suggestion_of_the_bot_is_taken_with_the_keyboard(window: Window) -> None:
    window.open()
    window.write("/imagine a red cat")
    window.one(".call .chip[data-option=model]").click()
    window.type("turbo")
    window.wait(lambda: len(window.all(".suggesting .options [role=option]")) == 1 or None)
    window.type(Keys.ARROW_DOWN, Keys.ENTER)
    assert window.one(".suggesting input").get_attribute("value").startswith("storybook-turbo")
    assert window.all(".call")


@in_browser
def test_uploaded_picture_is_drawn_from(window: Window, tmp_path: Path) -> None:
    upload = tmp_path / "blue.png"
    Image.new("RGB", (320, 200), "blue").save(upload)
    window.open()
    before = window.pictures()
    window.write("/imagine a blue house")
    window.one(".call .chip[data-option=image]").click()
    window.all(".call input[type=file]")[0].send_keys(str(upload))
    assert "blue.png" in window.one(".call .pick").text
    window.one(".call .chip[data-option=steps]").click()
    window.type("2", Keys.ENTER)
    assert "strength" in window.next_picture(before).text


DROP = """
const [name, bytes] = arguments;
const files = new DataTransfer();
files.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
"""


@in_browser
def test_dropped_picture_is_sent_with_a_message(window: Window, tmp_path: Path) -> None:
    dropped = tmp_path / "dropped.png"
    Image.new("RGB", (48, 32), "green").save(dropped)
    window.open("ada", "sketches")
    before = window.pictures()
    window.driver.execute_script(DROP, dropped.name, list(dropped.read_bytes()))
    assert "dropped.png" in window.one(".shelf .card").text
    window.write("what I have", Keys.ENTER)
    assert "what I have" in window.next_picture(before).text
    assert not window.all(".shelf .card")


@in_browser
def test_what_only_one_sees_is_marked_and_dismissed(window: Window) -> None:
    window.open("ada", "sketches")  # where no other test leaves such a message
    window.write("/queue", Keys.ENTER, Keys.ENTER)
    answer = window.message("Only you can see this")
    window.one(".plain", answer).click()
    window.wait(lambda: not window.messages("Only you can see this") or None)
    window.open("linus", "sketches")
    assert not window.messages("Only you can see this")


@in_browser
def test_one_enter_sends_a_command_that_needs_nothing_more(window: Window) -> None:
    window.open("ada", "sketches")

    def answered() -> None:
        window.one(".plain", window.message("Only you can see this")).click()
        window.wait(lambda: not window.messages("Only you can see this") or None)

    window.write("/queue", Keys.ENTER)
    answered()
    window.write("/hist", Keys.ENTER)  # a part of the name asks for the rest
    window.one(".call .chip[data-option=starred]").click()
    window.type(Keys.SPACE, Keys.ARROW_DOWN, Keys.ENTER)  # what opens a list chooses from it as ever
    starred = Select(window.one(".call select"))
    assert starred.first_selected_option.text == "True"
    window.type(Keys.ENTER)
    answered()
    assert not window.all(".call")
    window.write("/history", Keys.TAB)  # who wants its options gets them
    assert window.one(".call .chip[data-option=starred]")


@in_browser
def test_edit_opens_a_form_with_the_prompt(window: Window) -> None:
    window.open()
    picture = window.drawn()
    before = window.pictures()
    window.press(picture, "Edit prompt")
    prompt = window.one("#modal textarea")
    shown = prompt.get_attribute("value")
    assert shown
    assert shown in picture.text
    prompt.clear()
    prompt.send_keys("an owl in a forest")
    window.one("#modal [type=submit]").click()
    assert "an owl in a forest" in window.next_picture(before).text


@in_browser
def test_message_of_one_person_reaches_another_at_once(window: Window) -> None:
    window.open("linus", "sketches")
    mine = window.driver.current_window_handle
    window.driver.switch_to.new_window("tab")
    try:
        window.open("grace", "sketches")
        window.write("is the **easel** free?", Keys.ENTER)
        window.message("is the easel free?")
    finally:
        window.driver.close()
        window.driver.switch_to.window(mine)
    message = window.message("is the easel free?")
    assert "Grace" in message.text
    assert window.one("strong", window.one(".text", message)).text == "easel"


@in_browser
def test_person_and_channel_can_be_changed(window: Window) -> None:
    window.open("ada", "general")
    Select(window.one("#persons")).select_by_visible_text("Grace (moderator)")
    window.enter("sketches")
    window.wait(lambda: window.driver.current_url.endswith("#grace/sketches") or None)
    assert window.one("h1").text == "#sketches"


@in_browser
def test_markup_in_a_message_stays_text(window: Window) -> None:
    window.open("ada", "sketches")
    text = "<img src=x onerror=alert(1)> <b>bold</b> [a](javascript:alert(1))"
    window.write(text, Keys.ENTER)
    message = window.message("onerror")
    assert text in message.text
    assert not window.all("img:not(.avatar), b, a", message)


@in_browser
def test_picture_opens_large_and_escape_closes_it(window: Window) -> None:
    window.open()
    window.draw("a fox in a forest")

    def open_newest() -> bool:  # the page may draw a message anew between two looks
        newest = window.all(f".message:has({FINISHED}):has(.button) .picture")[-1]
        if newest.is_displayed():
            newest.click()
        return bool(window.all("#viewer[open]"))

    window.wait(open_newest)
    assert window.one("#viewer img").size["width"] > 256
    window.type(Keys.ESCAPE)
    window.wait(lambda: not window.all("#viewer[open]") or None)


@in_browser
def test_refusal_of_the_server_is_said_in_words(window: Window) -> None:
    window.open("ada", "sketches")
    window.driver.execute_script("window.fetch = () => Promise.reject(new TypeError('offline'))")
    window.write("hello", Keys.ENTER)
    assert "cannot be reached" in window.one("#notices").text
    assert window.one(".line textarea").get_attribute("value") == "hello"


@in_browser
def test_page_fits_a_phone(window: Window) -> None:
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    window.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        window.open()
        window.write("/imagine a red cat")
        wide = "return [document.documentElement, document.getElementById('messages')].map((n) => n.scrollWidth)"
        assert max(window.driver.execute_script(wide)) <= 360
        assert not any(place.is_displayed() for place in window.all(".place"))
        window.one("#menu").click()
        window.enter("sketches")
        window.wait(lambda: window.one("h1").text == "#sketches" or None)
    finally:
        window.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@in_browser
def test_page_asks_nobody_but_its_own_server(window: Window) -> None:
    window.open()
    window.message("")
    events = (json.loads(entry["message"])["message"] for entry in window.driver.get_log("performance"))
    asked = {
        event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
    }
    assert any(address.startswith(window.url) for address in asked)
    # The browser's own first tab and its pictures in memory are no questions to anybody.
    outside = ("chrome", "blob:", "data:", "about:")
    assert {address for address in asked if not address.startswith((window.url, *outside))} == set()


@in_browser
def test_a_moderator_sets_rules_with_a_menu_and_an_option_of_what_is_there(window: Window) -> None:
    window.open("grace")
    window.write("/server channels", Keys.ENTER, Keys.ENTER)
    menu = window.message("Pictures are drawn in every channel")
    window.one(".chooser summary", menu).click()
    for label in window.all(".chooser label", menu):
        if label.text == "#sketches":
            label.click()
    window.press(menu, "Choose")
    changed = window.message("Pictures are drawn in #sketches only")
    window.press(changed, "Every channel")
    window.message("Pictures are drawn in every channel")
    window.write("/server role", Keys.ENTER)
    roles = [option.text for option in Select(window.one(".call select")).options]
    assert {"Artists", "Moderators"} <= {*roles}
    window.type(Keys.ESCAPE)
