"""The moderators' command from one end to the other: what a moderator sets and reads, and what a member meets."""

import re

import pytest

from bot.playground import Message, Person, Playground
from bot.playground.cast import ARTIST_ROLE_ID, STUDIO_ID
from tests.e2e.conftest import DRAWN, answer_of, draw, generation_id, has_pictures, result_after, seen_by

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def server(person: Person, command: str, **options: object) -> Message:
    answer = await answer_of(person, person.slash(f"server {command}", **options))
    assert answer.ephemeral
    return answer


async def turned(person: Person, message: Message, text: str) -> Message:
    """A message of the moderator's once it says `text`."""
    return await person.message(lambda now: now.id == message.id and text in now.text)


async def refused(person: Person, **options: object) -> str:
    answer = await answer_of(person, person.slash("imagine", **{"prompt": "a cat", "steps": 4} | options))
    assert answer.ephemeral
    assert not answer.attachments
    return answer.text


async def test_a_member_reads_where_and_a_moderator_draws_anywhere(
    playground: Playground, ada: Person, grace: Person
) -> None:
    sketches = playground.channel("sketches")
    menu = await server(grace, "channels")
    grace.select(menu, "Channels", [str(sketches.id)])
    menu = await turned(grace, menu, "only, and in their threads")
    assert f"<#{sketches.id}> only" in await refused(ada)
    await draw(ada.at(sketches))
    grace.press(menu, "Every channel")
    await turned(grace, menu, "in every channel")
    await draw(ada)


async def test_models_of_a_server_and_its_first_choice(ada: Person, grace: Person) -> None:
    names = [each["value"] for each in await grace.suggestions("server models", "default")]
    assert names[0] == "none"
    [turbo] = [name for name in names if name == "storybook-turbo"]
    menu = await server(grace, "models", default=turbo)
    assert f"gets **{turbo}**" in menu.text
    grace.select(menu, "Models", [turbo])
    menu = await turned(grace, menu, f"Only **{turbo}** may draw")
    assert turbo in (await draw(ada)).text
    assert f"storybook does not draw in this server: choose {turbo}" in await refused(ada, model="storybook")
    grace.press(menu, "All models")
    await turned(grace, menu, "All models may draw")
    await server(grace, "models", default="none")


async def test_ceilings_words_and_spoilers(ada: Person, grace: Person) -> None:
    assert "at most 6 steps" in (await server(grace, "limits", steps=6, size=192)).text
    assert "at most 6 steps, and this one would have 9" in await refused(ada, steps=9)
    assert "at most 192 pixels on a side" in await refused(ada, size="256x256")
    drawn = await draw(ada)
    assert "192x192" in drawn.text
    larger = await answer_of(ada, ada.slash("upscale", id=generation_id(drawn), scale=2.0))
    assert "at most 192 pixels on a side" in larger.text
    assert "no ceiling" in (await server(grace, "limits", steps=0, size=0)).text

    assert "fog" in (await server(grace, "words", add="fog, mist*")).text
    assert "keeps “mist\\*” out of prompts" in await refused(ada, prompt="a Místy hill")
    assert [each["value"] for each in await grace.suggestions("server words", "remove", "mi")] == ["mist*"]
    assert "No word is kept out" in (await server(grace, "words", remove="fog, mist*")).text

    assert "Every picture is a spoiler" in (await server(grace, "content", flagged="refuse", spoiler=True)).text
    assert (await draw(ada)).attachments[0].filename.startswith("SPOILER_")
    await server(grace, "content", flagged="operator", spoiler=False)


async def test_roles_and_their_allowances(ada: Person, linus: Person, grace: Person) -> None:
    asked = await server(grace, "role", role=ARTIST_ROLE_ID, allowance=120, per_hour=60)
    assert "2 min of drawing time at once, 60 s back every hour" in asked.text
    assert f"drawing is for <@&{ARTIST_ROLE_ID}> only" in await refused(linus)
    assert "of your 2 min" in (await answer_of(ada, ada.slash("info"))).text
    lifted = await server(grace, "role", role=ARTIST_ROLE_ID, remove=True)
    assert "Everybody may draw" in lifted.text
    await draw(linus)


async def test_a_blocked_member_is_told_so_until_it_is_over(ada: Person, grace: Person) -> None:
    assert "is blocked" in (await server(grace, "block", member=ada.user.id, reason="too many cats")).text
    assert "have blocked you" in await refused(ada)
    assert "too many cats" in (await server(grace, "show")).text
    assert "may draw here again" in (await server(grace, "unblock", member=ada.user.id)).text
    await draw(ada)


async def test_a_star_brings_a_picture_into_the_showcase(
    playground: Playground, ada: Person, linus: Person, grace: Person
) -> None:
    there = ada.at(playground.channel("sketches"))
    menu = await server(grace, "showcase")
    grace.select(menu, "A channel", [str(there.channel.id)])
    menu = await turned(grace, menu, "Starred pictures are posted in")
    drawn = await draw(ada, "a starred lighthouse")
    seen = seen_by(there)
    linus.press(drawn, "Star")
    shown = await result_after(there, seen, needs="a starred lighthouse")
    assert f"<@{ada.user.id}>" in shown.text
    assert shown.mentions == ()
    seen = seen_by(there)
    there.press(shown, "Re-roll")
    await there.message(lambda message: has_pictures(message) and message.id not in seen, DRAWN)
    grace.press(menu, "No showcase")
    await turned(grace, menu, "There is no showcase")


async def test_the_log_has_all_of_it(grace: Person) -> None:
    for steps in range(20, 31):
        await server(grace, "limits", steps=steps)
    await server(grace, "limits", steps=0)
    page = await server(grace, "log")
    assert re.search(rf"<t:\d+:f> <@{grace.user.id}> lifted the ceiling of steps", page.text)
    grace.press(page, "Older")
    page = await turned(grace, page, "set the ceiling of steps to 20")
    grace.press(page, "Newer")
    await turned(grace, page, "lifted the ceiling of steps")
    shown = (await server(grace, "show")).text
    assert "Pictures are drawn in every channel." in shown
    assert "Everybody may draw" in shown
    assert str(STUDIO_ID) not in shown
