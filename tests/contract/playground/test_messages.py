"""Messages of the bot and of members: what is kept, what is seen, what is refused."""

import asyncio
from dataclasses import replace

import aiohttp
import discord
import pytest

from bot.playground import NotPossible, Person, Playground, Upload
from bot.playground.cast import STUDIO_ID
from bot.playground.guilds import MIB
from tests.contract.playground.probe import PICTURE, Probe, a_file

HEARD_WITHIN_S = 5


async def heard(bot: Probe) -> discord.Message:
    return await asyncio.wait_for(bot.heard.get(), HEARD_WITHIN_S)


def messageable(bot: Probe, person: Person) -> discord.PartialMessageable:
    return bot.get_partial_messageable(person.channel.id, guild_id=person.channel.guild_id)


async def test_same_nonce_makes_one_message(ada: Person, bot: Probe) -> None:
    first = await messageable(bot, ada).send("once", nonce=12345)
    second = await messageable(bot, ada).send("once", nonce=12345)
    other = await messageable(bot, ada).send("once", nonce=12346)
    assert first.id == second.id != other.id
    assert len(ada.see()) == 2


async def test_files_come_back_byte_for_byte(ada: Person, bot: Probe) -> None:
    sent = await messageable(bot, ada).send(files=[a_file("a.png"), a_file("b.bin", b"\0\r\n--boundary")])
    assert [await file.read() for file in sent.attachments] == [PICTURE, b"\0\r\n--boundary"]
    assert await sent.attachments[0].read(use_cached=True) == PICTURE
    assert sent.attachments[0].content_type == "image/png"


async def test_picture_has_its_size_and_a_link_ends_after_a_day(
    ada: Person, bot: Probe, playground: Playground
) -> None:
    from io import BytesIO

    from PIL import Image

    held = BytesIO()
    Image.new("RGB", (40, 30)).save(held, "PNG")
    sent = await messageable(bot, ada).send(file=a_file("real.png", held.getvalue()))
    attachment = sent.attachments[0]
    assert (attachment.width, attachment.height) == (40, 30)
    async with aiohttp.ClientSession() as session:
        async with session.get(attachment.url) as answer:
            assert (answer.status, answer.content_type) == (200, "image/png")
        async with session.get(attachment.url.replace("hm=", "hm=0")) as answer:
            assert answer.status == 404
    playground.clock.advance(24 * 3600)
    with pytest.raises(discord.NotFound):
        await attachment.read()
    again = await messageable(bot, ada).fetch_message(sent.id)
    assert await again.attachments[0].read() == held.getvalue()


async def test_edit_keeps_the_attachments_that_it_lists(ada: Person, bot: Probe) -> None:
    sent = await messageable(bot, ada).send(files=[a_file("a.png"), a_file("b.png")])
    edited = await sent.edit(content="two")
    assert [file.filename for file in edited.attachments] == ["a.png", "b.png"]
    edited = await edited.edit(attachments=[edited.attachments[1], a_file("c.png")])
    assert [file.filename for file in edited.attachments] == ["b.png", "c.png"]
    assert (edited.content, edited.edited_at is not None) == ("two", True)
    edited = await edited.edit(attachments=[])
    assert edited.attachments == []


async def test_picture_shown_by_an_embed_or_component_is_listed_there_alone(ada: Person, bot: Probe) -> None:
    embed = discord.Embed(title="shown").set_image(url="attachment://a.png")
    sent = await messageable(bot, ada).send(embed=embed, files=[a_file("a.png"), a_file("b.png")])
    assert [file.filename for file in sent.attachments] == ["b.png"]
    assert sent.embeds[0].image.url.startswith("http://127.0.0.1")
    view = discord.ui.LayoutView()
    view.add_item(discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://c.png")))
    sent = await messageable(bot, ada).send(view=view, file=a_file("c.png"))
    assert sent.attachments == []
    assert sent.components[0].items[0].media.url.startswith("http://127.0.0.1")
    view = discord.ui.LayoutView().add_item(
        discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://no.png"))
    )
    with pytest.raises(discord.HTTPException, match=r"no\.png"):
        await messageable(bot, ada).send(view=view)


async def test_layout_stays_a_layout(ada: Person, bot: Probe) -> None:
    sent = await messageable(bot, ada).send(view=discord.ui.LayoutView().add_item(discord.ui.TextDisplay("one")))
    with pytest.raises(discord.HTTPException) as caught:
        await sent.edit(content="plain again")
    assert caught.value.code == 50035
    await sent.edit(view=discord.ui.LayoutView().add_item(discord.ui.TextDisplay("two")))
    assert ada.see()[-1].text == "two"


async def test_members_words_reach_the_bot_only_when_they_are_meant_for_it(ada: Person, bot: Probe) -> None:
    file = Upload(filename="a.png", data=PICTURE)
    ada.send("between us", files=[file])
    message = await heard(bot)
    assert (message.content, message.attachments, message.mentions) == ("", [], [])
    assert (await message.channel.fetch_message(message.id)).content == ""

    ada.send(f"<@{bot.user.id}> look", files=[file])
    message = await heard(bot)
    assert message.content == f"<@{bot.user.id}> look"
    assert await message.attachments[0].read() == PICTURE

    ada.direct().send("hello")
    message = await heard(bot)
    assert (message.content, message.guild) == ("hello", None)


async def test_reply_to_a_plain_message_mentions_the_bot(ada: Person, bot: Probe) -> None:
    sent = await messageable(bot, ada).send("picture", file=a_file())
    await heard(bot)
    ada.send("make it blue", reply_to=ada.see()[-1])
    reply = await heard(bot)
    assert reply.content == "make it blue"
    assert bot.user in reply.mentions
    assert reply.reference.resolved.attachments[0].id == sent.attachments[0].id
    ada.send("quietly", reply_to=ada.see()[0], ping=False)
    reply = await heard(bot)
    assert (reply.content, reply.mentions) == ("", [])


async def test_reply_to_an_interaction_answer_mentions_nobody(ada: Person, bot: Probe) -> None:
    answer = await ada.answer(ada.slash("panel"))
    await heard(bot)
    ada.send("make it blue", reply_to=answer)
    reply = await heard(bot)
    assert (reply.content, reply.mentions) == ("", [])
    assert reply.reference.resolved.id == answer.id
    ada.send(f"<@{bot.user.id}> make it blue", reply_to=answer)
    assert (await heard(bot)).content.endswith("make it blue")


async def test_reply_that_mentions_the_bot_brings_the_message_it_answers(
    ada: Person, linus: Person, bot: Probe
) -> None:
    message = linus.send("my drawing", files=[Upload(filename="mine.png", data=PICTURE)])
    assert (await heard(bot)).attachments == []
    ada.send(f"<@{bot.user.id}> in ink", reply_to=message)
    reply = await heard(bot)
    assert await reply.reference.resolved.attachments[0].read() == PICTURE


async def test_bot_reply_refers_and_pings_as_it_allows(ada: Person, bot: Probe) -> None:
    asked = ada.send(f"<@{bot.user.id}> hello")
    message = await heard(bot)
    await message.reply("here", mention_author=False)
    quiet = ada.see()[-1]
    assert (quiet.reference.message_id, quiet.mentions) == (asked.id, ())
    await message.reply("here")
    assert ada.see()[-1].mentions == (ada.user.id,)
    everyone = discord.AllowedMentions.none()
    await message.channel.send(f"<@{ada.user.id}> @everyone", allowed_mentions=everyone)
    assert (ada.see()[-1].mentions, ada.see()[-1].mention_everyone) == ((), False)
    ada.delete(asked)
    with pytest.raises(discord.HTTPException) as caught:
        await message.reply("gone?")
    assert caught.value.code == 50035
    await message.channel.send("loosely", reference=message.to_reference(fail_if_not_exists=False))


async def test_edits_and_deletions_are_told(ada: Person, bot: Probe) -> None:
    sent = await messageable(bot, ada).send("one")
    await sent.edit(content="two")
    assert (await asyncio.wait_for(bot.edits.get(), HEARD_WITHIN_S)).data["content"] == "two"
    ada.at(ada.channel)
    await sent.delete()
    assert (await asyncio.wait_for(bot.deletions.get(), HEARD_WITHIN_S)).message_id == sent.id


async def test_history_is_paged_newest_first(ada: Person, bot: Probe) -> None:
    channel = messageable(bot, ada)
    ids = [(await channel.send(str(number))).id for number in range(5)]
    assert [message.id async for message in channel.history(limit=2)] == [ids[4], ids[3]]
    before = discord.Object(ids[3])
    assert [message.id async for message in channel.history(before=before)] == [ids[2], ids[1], ids[0]]
    after = discord.Object(ids[2])
    assert [message.id async for message in channel.history(after=after)] == [ids[3], ids[4]]


async def test_places_without_the_right_refuse_the_bot(playground: Playground, bot: Probe) -> None:
    async def refusal(channel_id: int, text: str = "x") -> tuple[int, int]:
        with pytest.raises(discord.HTTPException) as caught:
            await bot.get_partial_messageable(channel_id).send(text)
        return caught.value.status, caught.value.code

    assert await refusal(5) == (404, 10003)
    assert await refusal(playground.channel("back-room").id) == (403, 50001)
    assert await refusal(playground.channel("notices").id) == (403, 50013)
    assert await refusal(playground.channel("general").id, "") == (400, 50006)
    assert await refusal(playground.channel("general").id, "x" * 2001) == (400, 50035)
    mina = playground.person("mina")
    assert await refusal(playground.world.direct_channel(mina.user.id).id) == (403, 50007)
    with pytest.raises(discord.NotFound) as caught:
        await bot.get_partial_messageable(playground.channel("general").id).fetch_message(5)
    assert caught.value.code == 10008


async def test_channels_that_are_hidden_are_not_told_to_the_bot(playground: Playground, bot: Probe) -> None:
    await bot.wait_until_ready()
    names = {channel.name for channel in bot.get_guild(STUDIO_ID).channels}
    assert names == {"general", "sketches", "notices", "after-dark"}
    assert (
        not bot.get_channel(playground.channel("notices").id)
        .permissions_for(bot.get_guild(STUDIO_ID).me)
        .send_messages
    )


async def test_bot_opens_a_direct_conversation(linus: Person, bot: Probe) -> None:
    user = await bot.fetch_user(linus.user.id)
    await user.send("for you")
    assert [message.content for message in linus.direct().see()] == ["for you"]


async def test_file_beyond_the_limit_is_refused(playground: Playground, ada: Person, bot: Probe) -> None:
    big = bytes(10 * MIB + 1)
    with pytest.raises(discord.HTTPException) as caught:
        await messageable(bot, ada).send(file=a_file("big.bin", big))
    assert (caught.value.status, caught.value.code) == (413, 40005)
    with pytest.raises(NotPossible):
        ada.send(files=[Upload(filename="big.bin", data=big)])
    playground.set_file_tier(2)
    sent = await messageable(bot, ada).send(file=a_file("big.bin", big))
    assert sent.attachments[0].size == len(big)


async def test_someone_elses_message_cannot_be_edited(ada: Person, bot: Probe) -> None:
    message = ada.send("mine")
    partial = messageable(bot, ada).get_partial_message(message.id)
    with pytest.raises(discord.Forbidden) as caught:
        await partial.edit(content="yours")
    assert caught.value.code == 50005
    await partial.delete()
    assert ada.see() == []


async def test_reactions_are_kept_and_told(ada: Person, bot: Probe) -> None:
    sent = await messageable(bot, ada).send("star me")
    await sent.add_reaction("⭐")
    assert ada.see()[-1].reactions == (("⭐", (bot.user.id,)),)
    assert [user.id async for user in (await sent.fetch()).reactions[0].users()] == [bot.user.id]
    await sent.remove_reaction("⭐", bot.user)
    assert ada.see()[-1].reactions == ()


@pytest.mark.parametrize(
    ("components", "words"),
    [
        ([{"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "a"}] * 2}], "duplicated"),
        ([{"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "a"}]}], "label or emoji"),
        ([{"type": 1, "components": [{"type": 2, "style": 5, "label": "x"}]}], "link button"),
        ([{"type": 1, "components": []}], "between 1 and 5"),
    ],
)
async def test_components_that_discord_forbids_are_refused(
    playground: Playground, ada: Person, bot: Probe, components: list[object], words: str
) -> None:
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=ada.channel.id)
    with pytest.raises(discord.HTTPException, match=words) as caught:
        await bot.http.request(route, json={"content": "x", "components": components})
    assert caught.value.code == 50035
    playground.violations.clear()


async def test_member_without_the_right_cannot_write_or_see(playground: Playground, ada: Person) -> None:
    hidden = replace(ada.channel, id=99, guild_id=STUDIO_ID, overwrites=())
    world = playground.world
    studio = world.guilds[STUDIO_ID]
    world.channels[99] = hidden
    world.guilds[STUDIO_ID] = replace(studio, members={})
    assert ada.at(hidden).see() == []
    with pytest.raises(NotPossible, match="may not write"):
        ada.at(hidden).send("hello?")
