"""What a member's acts come to, through the real client."""

import asyncio
from dataclasses import replace

import discord
import pytest

from bot.playground import NotAnswered, NotPossible, Person, Playground, Stage, Upload
from bot.playground.cast import ARTIST_ROLE_ID
from bot.playground.guilds import ORDINARY, Permission
from tests.contract.playground.conftest import Connect
from tests.contract.playground.probe import PICTURE, Probe, a_file


async def test_options_arrive_with_their_types_and_bytes(ada: Person, bot: Probe) -> None:
    asked = ada.slash(
        "options",
        text="fox",
        count=3,
        strength=0.0,
        colour="Red",
        user=ada.user.id,
        source=Upload(filename="a b.png", data=PICTURE),
        flag=True,
    )
    assert (await ada.answer(asked)).content == f"fox 3 0.0 r ada {len(PICTURE)} True"


async def test_subcommands_are_called_by_their_path(ada: Person, bot: Probe) -> None:
    answer = await ada.answer(ada.slash("seed save", name="fox"))
    assert answer.content == "saved fox"
    assert answer.interaction["name"] == "seed save"


async def test_defer_shows_thinking_until_the_answer_is_edited_in(ada: Person, bot: Probe) -> None:
    asked = await ada.acknowledged(ada.slash("draw"))
    await bot.asked.get()
    assert ada.see()[-1].loading
    bot.go_on.set()
    answer = await ada.answer(asked)
    assert answer.content == "drawn"
    assert ada.download(answer.attachments[0]) == PICTURE
    assert answer.id == asked.original_id


async def test_acknowledging_after_three_seconds_is_too_late(
    playground: Playground, ada: Person, bot: Probe
) -> None:
    asked = ada.slash("hold")
    held = await bot.asked.get()
    playground.clock.advance(3.0)
    assert asked.stage is Stage.FAILED
    with pytest.raises(NotAnswered, match="did not respond"):
        await ada.acknowledged(asked)
    with pytest.raises(discord.NotFound) as caught:
        await held.response.send_message("late")
    assert caught.value.code == 10062


async def test_second_acknowledgement_is_refused(ada: Person, bot: Probe) -> None:
    ada.slash("hold")
    held = await bot.asked.get()
    await held.response.defer()
    held.response._response_type = None
    with pytest.raises(discord.HTTPException) as caught:
        await held.response.send_message("again")
    assert caught.value.code == 40060


async def test_token_ends_after_fifteen_minutes(playground: Playground, ada: Person, bot: Probe) -> None:
    asked = ada.slash("hold")
    held = await bot.asked.get()
    await held.response.defer()
    playground.clock.advance(15 * 60 - 5)
    await held.edit_original_response(content="in time")
    playground.clock.advance(5)
    with pytest.raises(discord.HTTPException) as caught:
        await held.edit_original_response(content="late")
    assert (caught.value.status, caught.value.code) == (401, 50027)
    with pytest.raises(discord.HTTPException) as caught:
        await held.followup.send("late")
    assert caught.value.code == 50027
    assert (await ada.answer(asked)).content == "in time"


async def test_followup_before_any_acknowledgement_finds_no_webhook(ada: Person, bot: Probe) -> None:
    ada.slash("hold")
    held = await bot.asked.get()
    with pytest.raises(discord.NotFound) as caught:
        await held.followup.send("early")
    assert caught.value.code == 10015


async def test_first_followup_of_a_defer_takes_its_place_and_its_privacy(
    ada: Person, linus: Person, bot: Probe
) -> None:
    asked = ada.slash("hold")
    held = await bot.asked.get()
    await held.response.defer(ephemeral=True, thinking=True)
    first = await held.followup.send("only for Ada", ephemeral=False, wait=True)
    second = await held.followup.send("for all", wait=True)
    assert first.id == asked.original_id
    assert first.flags.ephemeral
    assert [message.content for message in ada.see()] == ["only for Ada", "for all"]
    assert [message.id for message in linus.see()] == [second.id]


async def test_ephemeral_answer_is_out_of_reach_of_the_channel(
    ada: Person, grace: Person, bot: Probe, playground: Playground
) -> None:
    answer = await ada.answer(ada.slash("say", text="secret", private=True))
    assert grace.see() == []
    channel = bot.get_channel(ada.channel.id)
    with pytest.raises(discord.NotFound) as caught:
        await channel.fetch_message(answer.id)
    assert caught.value.code == 10008
    with pytest.raises(NotPossible, match="gone"):
        grace.context_menu(answer, "Describe")


async def test_followup_can_be_edited_and_deleted(ada: Person, bot: Probe) -> None:
    ada.slash("hold")
    held = await bot.asked.get()
    await held.response.send_message("one")
    more = await held.followup.send("two", wait=True)
    await more.edit(content="three", attachments=[a_file("third.png")])
    assert ada.see()[-1].content == "three"
    await more.delete()
    await held.delete_original_response()
    assert ada.see() == []
    with pytest.raises(discord.NotFound) as caught:
        await held.original_response()
    assert caught.value.code == 10008


async def test_with_response_gives_the_message(ada: Person, bot: Probe) -> None:
    ada.slash("hold")
    held = await bot.asked.get()
    told = await held.response.send_message("hello", file=a_file())
    assert isinstance(told.resource, discord.InteractionMessage)
    assert told.message_id == ada.see()[-1].id
    assert await told.resource.attachments[0].read() == PICTURE


async def test_autocomplete_gives_what_fits_the_text(ada: Person, bot: Probe) -> None:
    assert await ada.suggestions("model", "name", "sd") == [
        {"name": "SD-1.5", "value": "sd-1.5"},
        {"name": "SDXL", "value": "sdxl"},
    ]
    with pytest.raises(NotPossible, match="no option of /say with suggestions"):
        ada.autocomplete("say", {"text": "x"}, "text")


async def test_modal_is_filled_in_and_answered(ada: Person, bot: Probe) -> None:
    asked = ada.slash("form")
    modal = await ada.modal(asked)
    assert modal["title"] == "Edit prompt"
    sent = ada.submit_modal(asked, {"Prompt": "a hare", "source": Upload(filename="s.png", data=b"12345")})
    assert (await ada.answer(sent)).content == "a hare ['s'] [5]"
    with pytest.raises(NotPossible, match="1 to 20 characters, not 21"):
        ada.submit_modal(asked, {"prompt": "x" * 21})
    with pytest.raises(NotPossible, match="no field 'seed'"):
        ada.submit_modal(asked, {"seed": "1"})


async def test_button_updates_its_message(ada: Person, bot: Probe) -> None:
    panel = await ada.answer(ada.slash("panel"))
    assert [file.filename for file in panel.attachments] == ["old.png"]
    updated = await ada.answer(ada.press(panel, "Update"))
    assert (updated.id, updated.content) == (panel.id, "updated")
    assert [file.filename for file in updated.attachments] == ["new.png"]


async def test_button_deferred_updates_later_and_follows_up(ada: Person, bot: Probe) -> None:
    panel = await ada.answer(ada.slash("panel"))
    pressed = ada.press(panel, "Later")
    await ada.message(lambda message: message.content == "and a new one")
    assert ada.now(panel).content == "updated later"
    assert pressed.original_id == panel.id


async def test_disabled_or_unknown_buttons_cannot_be_pressed(ada: Person, bot: Probe) -> None:
    panel = await ada.answer(ada.slash("panel"))
    for button in ("Off", "Nowhere"):
        with pytest.raises(NotPossible):
            ada.press(panel, button)


async def test_menu_gives_the_chosen_values(ada: Person, bot: Probe) -> None:
    panel = await ada.answer(ada.slash("panel"))
    custom_id = panel.components[1]["components"][0]["custom_id"]
    assert (await ada.answer(ada.select(panel, custom_id, ["Red", "b"]))).content == "r,b"
    with pytest.raises(NotPossible, match="1 to 2"):
        ada.select(panel, custom_id, [])


async def test_menus_of_what_is_there_tell_what_was_chosen(
    playground: Playground, ada: Person, bot: Probe
) -> None:
    channels = discord.ui.ChannelSelect(
        custom_id="channels", channel_types=[discord.ChannelType.text], max_values=2
    )
    roles, users = discord.ui.RoleSelect(custom_id="roles"), discord.ui.UserSelect(custom_id="users")
    view = discord.ui.View()
    for menu in (channels, roles, users):

        async def tell(interaction: discord.Interaction, menu: discord.ui.Select = menu) -> None:
            await interaction.response.send_message(", ".join(each.name for each in menu.values))

        menu.callback = tell
        view.add_item(menu)
    there = bot.get_partial_messageable(ada.channel.id)
    sent = await there.send("choose", view=view)
    message = await ada.message(lambda message: message.id == sent.id)
    sketches, lounge = playground.channel("sketches").id, playground.channel("lounge").id
    for menu, values, named in (
        ("channels", [ada.channel.id, str(sketches)], "general, sketches"),
        ("roles", [ARTIST_ROLE_ID], "Artists"),
        ("users", [ada.user.id], "ada"),
    ):
        assert (await ada.answer(ada.select(message, menu, values))).content == named
    for menu, value in (("channels", lounge), ("channels", ada.direct().channel.id), ("roles", ada.user.id)):
        with pytest.raises(NotPossible, match="there is nothing with the id"):
            ada.select(message, menu, [value])


async def test_more_chosen_from_the_start_than_a_menu_takes_is_refused(ada: Person, bot: Probe) -> None:
    two = [discord.Object(number, type=discord.abc.GuildChannel) for number in (1, 2)]
    view = discord.ui.View().add_item(discord.ui.ChannelSelect(default_values=two))
    there = bot.get_partial_messageable(ada.channel.id)
    with pytest.raises(discord.HTTPException, match="default values"):
        await there.send("choose", view=view)


async def test_modal_from_a_button_belongs_to_its_message(ada: Person, bot: Probe) -> None:
    panel = await ada.answer(ada.slash("panel"))
    pressed = await ada.acknowledged(ada.press(panel, "Form"))
    answer = await ada.answer(ada.submit_modal(pressed))
    assert answer.content == "a fox ['s'] []"
    assert answer.interaction["triggering_interaction_metadata"]["interacted_message_id"] == str(panel.id)


async def test_button_works_after_the_bot_was_started_again(connect: Connect, ada: Person) -> None:
    async with connect():
        panel = await ada.answer(ada.slash("panel"))
    pressed = None
    async with connect():
        pressed = ada.press(panel, "Keep")
        answer = await ada.answer(pressed)
    assert answer.content == "kept 7"
    assert answer.ephemeral


async def test_act_without_a_connected_bot_fails(playground: Playground, connect: Connect, ada: Person) -> None:
    async with connect():
        pass
    asked = ada.slash("say", text="anybody?")
    playground.clock.advance(3)
    assert asked.stage is Stage.FAILED


async def test_message_menu_shows_what_the_bot_could_not_read(ada: Person, bot: Probe) -> None:
    message = ada.send("hush", files=[Upload(filename="s.png", data=PICTURE)])
    assert (await bot.heard.get()).content == ""
    answer = await ada.answer(ada.context_menu(message, "Describe"))
    assert answer.content == "hush ['s.png']"


async def test_commands_are_offered_by_right_and_place(
    playground: Playground, ada: Person, grace: Person, bot: Probe
) -> None:
    assert (await grace.answer(grace.slash("server"))).content == "True"
    with pytest.raises(NotPossible, match="not offered"):
        ada.slash("server")
    with pytest.raises(NotPossible, match="not offered"):
        grace.direct().slash("server")
    away = ada.at(playground.channel("lounge"))
    assert [command["name"] for command in away.offered()] == ["anywhere"]


async def test_user_brings_the_bot_to_a_server_without_it(playground: Playground, ada: Person, bot: Probe) -> None:
    away = ada.at(playground.channel("lounge"))
    away.slash("anywhere")
    held = await bot.asked.get()
    assert held.is_user_integration()
    assert not held.is_guild_integration()
    assert not held.app_permissions.send_messages
    for number in range(6):
        await held.followup.send(f"{number}")
    with pytest.raises(discord.HTTPException) as caught:
        await held.followup.send("one too many")
    assert caught.value.code == 40094
    assert [message.content for message in away.see()] == [str(number) for number in range(6)]
    channel = bot.get_partial_messageable(away.channel.id)
    with pytest.raises(discord.Forbidden) as caught:
        await channel.send("let me in")
    assert caught.value.code == 50001


async def test_application_of_ones_own_answers_in_private_where_the_server_wants_it(
    playground: Playground, ada: Person, linus: Person, bot: Probe
) -> None:
    away = playground.channel("lounge")
    guild = playground.world.guilds[away.guild_id]
    everyone = replace(guild.roles[0], permissions=ORDINARY & ~Permission.USE_EXTERNAL_APPS)
    playground.world.guilds[guild.id] = replace(guild, roles=(everyone,))
    ada.at(away).slash("anywhere")
    held = await bot.asked.get()
    assert (await held.edit_original_response(content="quietly")).flags.ephemeral
    assert linus.at(away).see() == []


async def test_channel_where_the_bot_may_not_write_still_takes_its_answers(
    playground: Playground, ada: Person, bot: Probe
) -> None:
    there = ada.at(playground.channel("notices"))
    asked = there.slash("hold")
    held = await bot.asked.get()
    assert not held.app_permissions.send_messages
    await held.response.send_message("an answer")
    assert (await there.answer(asked)).content == "an answer"


async def test_interaction_in_a_direct_conversation_knows_its_user(ada: Person, bot: Probe) -> None:
    asked = ada.direct().slash("say", text="hello")
    assert (await ada.answer(asked)).content == "hello"
    message = await asyncio.wait_for(bot.heard.get(), 5)
    assert message.guild is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "text is required"),
        ({"text": "x"}, "text must have 2 to 10 characters, not 1"),
        ({"text": "fox", "count": 9}, "count must lie between 1 and 4, not 9"),
        ({"text": "fox", "count": 1.5}, "count must be a whole number, not 1.5"),
        ({"text": "fox", "count": True}, "count must be a number, not True"),
        ({"text": "fox", "strength": 2}, "strength must lie between 0.0 and 1.0, not 2"),
        ({"text": "fox", "colour": "b"}, r"colour must be one of \['Red'\], not 'b'"),
        ({"text": "fox", "flag": "yes"}, "flag must be True or False, not 'yes'"),
        ({"text": "fox", "user": 5}, "user: there is nothing with the id 5 here"),
        ({"text": "fox", "source": b"x"}, "source must be a file"),
        ({"text": "fox", "zeal": 1}, "zeal is no option of /options"),
    ],
)
async def test_app_refuses_options_that_the_command_forbids(
    ada: Person, bot: Probe, options: dict[str, object], words: str
) -> None:
    with pytest.raises(NotPossible, match=words):
        ada.slash("options", **options)


async def test_added_members_are_members_like_the_others(playground: Playground, bot: Probe) -> None:
    several = [playground.add_person(f"member-{number}") for number in range(3)]
    asked = [person.slash("say", text=person.user.username) for person in several]
    answers = [await person.answer(one) for person, one in zip(several, asked, strict=True)]
    assert [answer.content for answer in answers] == ["member-0", "member-1", "member-2"]
    moderator = playground.add_person("second-moderator", moderator=True)
    assert (await moderator.answer(moderator.slash("server"))).content == "True"
