"""The web page's HTTP interface, as a browser uses it, with the real bot behind it."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from bot.playground import Person, Playground
from tests.contract.playground.probe import PICTURE, Probe

SEEN_WITHIN_S = 5


class Browser:
    """One person's page: requests, and the events that came."""

    def __init__(self, session: aiohttp.ClientSession, person: Person) -> None:
        self._session = session
        self.me = f"/page/{person.user.id}"
        self.here = f"{self.me}/channels/{person.channel.id}"
        self.events: asyncio.Queue[tuple[str, dict]] = asyncio.Queue()
        self.listening = asyncio.Event()

    async def get(self, path: str) -> object:
        async with self._session.get(path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: object, status: int = 200, **files: bytes) -> dict:
        form: object = json.dumps(body)
        if files:
            form = aiohttp.FormData()
            form.add_field("json", json.dumps(body), content_type="application/json")
            for name, data in files.items():
                form.add_field(name, data, filename=f"{name}.png")
        async with self._session.post(path, data=form) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def listen(self) -> None:
        async with self._session.get(f"{self.me}/events") as stream:
            name = ""
            async for line in stream.content:
                text = line.decode().rstrip("\n")
                if text == ": open":
                    self.listening.set()
                elif text.startswith("event: "):
                    name = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    await self.events.put((name, json.loads(text.removeprefix("data: "))))

    async def event(self, wanted: str, **fields: object) -> dict:
        """The next event of this name with these fields; others are passed over."""
        async with asyncio.timeout(SEEN_WITHIN_S):
            while True:
                name, data = await self.events.get()
                if name == wanted and all(data[key] == value for key, value in fields.items()):
                    return data


@pytest_asyncio.fixture
async def browser(playground: Playground, ada: Person, bot: Probe) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(playground.url) as session:
        opened = Browser(session, ada)
        listening = asyncio.create_task(opened.listen())
        await asyncio.wait_for(opened.listening.wait(), SEEN_WITHIN_S)
        yield opened
        listening.cancel()


async def test_page_learns_who_and_what_is_there(browser: Browser, playground: Playground) -> None:
    state = await browser.get("/page/state")
    assert state["bot"]["online"]
    assert {(person["name"], person["moderator"]) for person in state["persons"]} >= {
        ("Ada", False),
        ("Grace", True),
    }
    channels = {
        (channel["name"], channel["bot_is_here"]) for channel in await browser.get(f"{browser.me}/channels")
    }
    assert channels >= {("general", True), ("lounge", False), ("back-room", False), ("Easel", True)}
    commands = await browser.get(f"{browser.here}/commands")
    assert {"options", "panel"} <= {command["name"] for command in commands}


async def test_slash_command_with_a_file_is_answered_on_the_stream(browser: Browser) -> None:
    body = {"command": "options", "options": {"text": "fox", "count": 2}}
    told = await browser.post(f"{browser.here}/slash", body, source=PICTURE)
    assert told["stage"] == "waiting"
    message = await browser.event("message")
    assert message["content"] == f"fox 2 0.5 r None {len(PICTURE)} False"
    done = await browser.event("interaction", id=told["id"])
    assert (done["stage"], done["message_id"]) == ("answered", message["id"])
    assert await browser.get(f"{browser.me}/interactions/{told['id']}") == done


async def test_wrong_option_is_told_in_words(browser: Browser) -> None:
    answer = await browser.post(
        f"{browser.here}/slash", {"command": "options", "options": {"text": "fox", "count": 9}}, status=422
    )
    assert answer == {"error": "count must lie between 1 and 4, not 9"}


async def test_nonsense_is_told_in_words(browser: Browser) -> None:
    there = f"{browser.here}/messages"
    for path, body, words in (
        (there, {"content": ""}, "a text or a file"),
        (there, {"content": "x" * 2001}, "at most 2000 characters, not 2001"),
        (there, {"content": "x", "reply_to": "seven"}, "gone"),
        (there, [], "JSON object"),
        (f"{browser.here}/slash", {}, "command must be text"),
        (f"{browser.here}/slash", {"command": "fly"}, "'fly' is not offered here"),
        (f"{there}/7/press", {"button": "x"}, "gone"),
    ):
        assert words in (await browser.post(path, body, status=422))["error"]
    async with browser._session.get(f"{there}?limit=many") as answer:
        assert answer.status == 422
    async with browser._session.get(f"/page/7/channels/{there.split('/')[-2]}/messages") as answer:
        assert answer.status == 404


async def test_button_menu_and_modal_work_from_the_page(browser: Browser) -> None:
    await browser.post(f"{browser.here}/slash", {"command": "panel"})
    panel = await browser.event("message", content="panel")
    there = f"{browser.here}/messages/{panel['id']}"
    await browser.post(f"{there}/press", {"button": "Update"})
    assert (await browser.event("message_edit"))["content"] == "updated"
    select = panel["components"][1]["components"][0]["custom_id"]
    await browser.post(f"{there}/select", {"select": select, "values": ["b"]})
    assert (await browser.event("message"))["content"] == "b"
    pressed = await browser.post(f"{there}/press", {"button": "Form"})
    opened = await browser.event("interaction", id=pressed["id"], stage="answered")
    assert opened["modal"]["title"] == "Edit prompt"
    path = f"{browser.me}/interactions/{pressed['id']}/modal"
    await browser.post(path, {"values": {"prompt": "a hare"}}, source=b"12345")
    assert (await browser.event("message"))["content"] == "a hare ['s'] [5]"


async def test_message_reply_and_deletion_work_from_the_page(browser: Browser, bot: Probe) -> None:
    mine = await browser.post(f"{browser.here}/messages", {"content": "look"}, file=PICTURE)
    assert (mine["mine"], mine["may_delete"], mine["author"]["name"]) == (True, True, "Ada")
    async with aiohttp.ClientSession() as session, session.get(mine["attachments"][0]["url"]) as answer:
        assert await answer.read() == PICTURE
    reply = {"content": f"<@{bot.user.id}> again", "reply_to": mine["id"]}
    answer = await browser.post(f"{browser.here}/messages", reply)
    assert answer["referenced_message"]["id"] == mine["id"]
    async with browser._session.delete(f"{browser.here}/messages/{mine['id']}") as deleted:
        assert deleted.status == 200
    assert (await browser.event("message_delete"))["id"] == mine["id"]
    listed = await browser.get(f"{browser.here}/messages")
    assert [message["content"] for message in listed] == [reply["content"]]


async def test_menu_command_and_suggestions_work_from_the_page(browser: Browser) -> None:
    mine = await browser.post(f"{browser.here}/messages", {"content": "hush"})
    await browser.post(f"{browser.here}/messages/{mine['id']}/menu", {"name": "Describe"})
    answer = await browser.event("message", content="hush []")
    assert answer["ephemeral"]
    asked = {"command": "model", "options": {"name": "sdx"}, "focused": "name"}
    choices = await browser.post(f"{browser.here}/autocomplete", asked)
    assert choices == {"choices": [{"name": "SDXL", "value": "sdxl"}]}


async def test_stream_never_shows_what_another_person_sees_alone(
    browser: Browser, grace: Person, ada: Person, bot: Probe
) -> None:
    await grace.answer(grace.slash("say", text="secret", private=True))
    grace.send("public")
    seen = []
    while "public" not in seen:
        name, data = await asyncio.wait_for(browser.events.get(), SEEN_WITHIN_S)
        assert name != "interaction"
        seen.append(data.get("content"))
    assert "secret" not in seen


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "playground.example:80"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_foreign_sites_cannot_drive_the_page(
    playground: Playground, ada: Person, headers: dict[str, str], status: int
) -> None:
    path = f"{playground.url}/page/{ada.user.id}/channels/{ada.channel.id}/messages"
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(path, json={"content": "driven"}) as answer:
            assert answer.status == status
        async with session.get(playground.url + "/page/state") as answer:
            assert answer.status == status
    assert len(ada.see()) == (status == 200)


async def test_clock_and_faults_cannot_be_reached_over_http(playground: Playground) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/page/clock", "/page/faults", "/clock", "/faults"):
            async with session.post(playground.url + path, json={}) as answer:
                assert answer.status in {404, 405}


async def test_taken_port_is_told_and_leaves_nothing_open(playground: Playground) -> None:
    taken = int(playground.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="address already in use"):
        async with Playground(port=taken):
            pass


async def test_only_the_pages_own_files_are_served(playground: Playground) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/web.py", "/..%2fweb.py", "/%2e%2e/web.py", "/page/../web.py", "/../web.py", "/..", "/."):
            # Encoded already, so that the client leaves the dots as they are.
            async with session.get(URL(playground.url + path, encoded=True)) as answer:
                assert answer.status == 404, path
