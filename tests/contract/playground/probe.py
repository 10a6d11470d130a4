"""A small real bot that uses every kind of answer, and keeps what it hears."""

import asyncio
import re
from io import BytesIO
from typing import Self

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def a_file(name: str = "picture.png", data: bytes = PICTURE) -> discord.File:
    return discord.File(BytesIO(data), name)


class Keep(discord.ui.DynamicItem[discord.ui.Button], template=r"keep:(?P<number>\d+)"):
    """A button that works for ever: its custom id is all that it needs."""

    def __init__(self, number: int) -> None:
        super().__init__(discord.ui.Button(label="Keep", custom_id=f"keep:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: discord.ui.Item, match: re.Match[str]
    ) -> Self:
        return cls(int(match["number"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"kept {self.number}", ephemeral=True)


class Form(discord.ui.Modal, title="Edit prompt"):
    prompt = discord.ui.Label(
        text="Prompt", component=discord.ui.TextInput(custom_id="prompt", default="a fox", max_length=20)
    )
    size = discord.ui.Label(
        text="Size",
        component=discord.ui.Select(
            custom_id="size", options=[discord.SelectOption(label="Small", value="s", default=True)]
        ),
    )
    source = discord.ui.Label(
        text="Source", component=discord.ui.FileUpload(custom_id="source", required=False, max_values=1)
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        uploads = [len(await upload.read()) for upload in self.source.component.values]
        text = f"{self.prompt.component.value} {self.size.component.values} {uploads}"
        await interaction.response.send_message(text)


class Panel(discord.ui.View):
    """Buttons and a menu, one of each kind of answer."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(Keep(7))

    @discord.ui.button(label="Update")
    async def update(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.edit_message(content="updated", attachments=[a_file("new.png")])

    @discord.ui.button(label="Later")
    async def later(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="updated later")
        await interaction.followup.send("and a new one")

    @discord.ui.button(label="Form")
    async def form(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.button(label="Off", disabled=True)
    async def off(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        raise AssertionError

    @discord.ui.select(
        options=[discord.SelectOption(label="Red", value="r"), discord.SelectOption(label="Blue", value="b")],
        max_values=2,
    )
    async def colour(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        await interaction.response.send_message(",".join(select.values))


class Probe(discord.Client):
    """Commands under test; `heard` has messages, `failures` what an answer raised, `asked` interactions."""

    def __init__(self, **options: object) -> None:
        intents = options.pop("intents", discord.Intents.default())
        super().__init__(intents=intents, **options)
        self.tree = app_commands.CommandTree(self)
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.edits: asyncio.Queue[discord.RawMessageUpdateEvent] = asyncio.Queue()
        self.deletions: asyncio.Queue[discord.RawMessageDeleteEvent] = asyncio.Queue()
        self.failures: asyncio.Queue[discord.HTTPException] = asyncio.Queue()
        self.asked: asyncio.Queue[discord.Interaction] = asyncio.Queue()
        self.go_on = asyncio.Event()
        self.resumes = asyncio.Semaphore(0)
        add_commands(self)

    async def setup_hook(self) -> None:
        _, url, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        self.add_dynamic_items(Keep)
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        await self.heard.put(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        await self.edits.put(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        await self.deletions.put(event)

    async def on_resumed(self) -> None:
        self.resumes.release()

    async def attempt(self, answer: object) -> None:
        try:
            await answer
        except discord.HTTPException as error:
            await self.failures.put(error)


def add_commands(bot: Probe) -> None:  # noqa: C901  # a list of small commands
    tree = bot.tree
    private = app_commands.Group(name="seed", description="seeds")
    tree.add_command(private)

    @tree.command(description="every type of option")
    @app_commands.choices(colour=[app_commands.Choice(name="Red", value="r")])
    async def options(
        interaction: discord.Interaction,
        text: app_commands.Range[str, 2, 10],
        count: app_commands.Range[int, 1, 4] = 1,
        strength: app_commands.Range[float, 0.0, 1.0] = 0.5,
        colour: str = "r",
        user: discord.Member | None = None,
        source: discord.Attachment | None = None,
        flag: bool = False,
    ) -> None:
        size = None if source is None else len(await source.read())
        text = f"{text} {count} {strength} {colour} {user} {size} {flag}"
        await interaction.response.send_message(text)

    @tree.command(description="answers at once")
    async def say(interaction: discord.Interaction, text: str, private: bool = False) -> None:
        await bot.attempt(interaction.response.send_message(text, ephemeral=private))

    @tree.command(description="defers and edits")
    async def draw(interaction: discord.Interaction, private: bool = False) -> None:
        await interaction.response.defer(ephemeral=private, thinking=True)
        await bot.asked.put(interaction)
        await bot.go_on.wait()
        await interaction.edit_original_response(content="drawn", attachments=[a_file()])

    @tree.command(description="hands its interaction to the test")
    async def hold(interaction: discord.Interaction) -> None:
        await bot.asked.put(interaction)

    @tree.command(description="shows buttons")
    async def panel(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("panel", view=Panel(), file=a_file("old.png"))

    @tree.command(description="opens a modal")
    async def form(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())

    @tree.command(description="suggests")
    async def model(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(name)

    @model.autocomplete("name")
    async def names(_: discord.Interaction, text: str) -> list[app_commands.Choice[str]]:
        known = ["storybook", "sd-1.5", "sdxl"]
        return [app_commands.Choice(name=one.upper(), value=one) for one in known if one.startswith(text)]

    @private.command(name="save", description="saves")
    async def save(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(f"saved {name}")

    @tree.command(description="for moderators")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.guild_only()
    async def server(interaction: discord.Interaction) -> None:
        await interaction.response.send_message(str(interaction.permissions.manage_guild))

    @tree.command(description="wherever its user is")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def anywhere(interaction: discord.Interaction) -> None:
        await interaction.response.defer()
        await bot.asked.put(interaction)

    @tree.context_menu(name="Describe")
    async def describe(interaction: discord.Interaction, message: discord.Message) -> None:
        names = [attachment.filename for attachment in message.attachments]
        await interaction.response.send_message(f"{message.content} {names}", ephemeral=True)
