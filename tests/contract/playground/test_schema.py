"""Bodies of the bot against Discord's own document."""

import time

import aiohttp
import discord
import pytest

from bot.playground import Person, Playground
from tests.contract.conftest import schema_path
from tests.contract.playground.conftest import Connect
from tests.contract.playground.probe import Panel, Probe, a_file

pytestmark = pytest.mark.skipif(schema_path() is None, reason="Discord's OpenAPI document is not there")


async def test_normal_use_violates_nothing(playground: Playground, ada: Person, bot: Probe) -> None:
    panel = await ada.answer(ada.slash("panel"))
    await ada.answer(ada.press(panel, "Update"))
    await ada.acknowledged(ada.press(panel, "Form"))
    channel = bot.get_partial_messageable(ada.channel.id)
    embed = discord.Embed(title="t", description="d", colour=5).add_field(name="n", value="v")
    sent = await channel.send("x", file=a_file(), embed=embed, view=Panel(), nonce=1)
    await sent.reply("y", mention_author=False)
    await sent.edit(content="z", attachments=[sent.attachments[0], a_file("b.png")])
    layout = discord.ui.LayoutView().add_item(discord.ui.TextDisplay("text"))
    await channel.send(view=layout)
    assert playground.violations == []


async def post(playground: Playground, body: object) -> int:
    headers = {"Authorization": f"Bot {playground.token}"}
    url = f"{playground.api_url}/channels/{playground.channel('general').id}/messages"
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=body) as answer:
        return answer.status


async def test_bad_body_is_found_and_named(playground: Playground) -> None:
    assert await post(playground, {"content": "x", "tts": "yes"}) == 200
    assert len(playground.violations) == 1
    found = playground.violations.pop()
    assert (found.method, found.path) == ("POST", "/channels/{channel_id}/messages")
    assert found.error.startswith("tts: 'yes' is not of type")


async def test_strict_playground_refuses_a_bad_body() -> None:
    async with Playground(schema=schema_path(), strict=True) as playground:
        assert await post(playground, {"content": "x", "tts": "yes"}) == 400
        assert await post(playground, {"content": "x"}) == 200


async def test_reading_the_document_is_quick() -> None:
    start = time.perf_counter()
    async with Playground(schema=schema_path()) as playground:
        assert await post(playground, {"content": "x"}) == 200
    assert time.perf_counter() - start < 5


async def test_answers_have_the_form_that_the_document_promises(
    playground: Playground, ada: Person, connect: Connect
) -> None:
    """The playground's own messages, held against the schema of Discord's answers."""
    import json

    from jsonschema import Draft202012Validator

    document = json.loads(schema_path().read_text())
    schema = {"$ref": "#/components/schemas/MessageResponse", "components": document["components"]}
    async with connect() as bot:
        await ada.answer(ada.slash("panel"))
        channel = bot.get_partial_messageable(ada.channel.id)
        await (await channel.send("x", file=a_file(), embed=discord.Embed(title="t"))).reply("y")
    for message in ada.see():
        shown = playground.scene.rendering.message(message)
        errors = [
            f"{list(error.absolute_path)}: {error.message}"
            for error in Draft202012Validator(schema).iter_errors(shown)
        ]
        assert errors == []
