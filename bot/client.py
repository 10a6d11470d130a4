"""EaselBot: the connection to Discord, its commands, and what runs beside them."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.acknowledge import refuse
from bot.commands import every_cog, offer_modes
from bot.comparing import Comparing
from bot.delivery import Delivery
from bot.described import Descriptions
from bot.desk import Desk
from bot.errors import BadToken, CommandsRefused, NoDiscord, NotFound
from bot.history import History
from bot.mydata import MyData
from bot.pictures import Pictures
from bot.post import Post, insist
from bot.preferences import Preferences
from bot.progress import INTERVAL, Progress
from bot.reminder import Reminder
from bot.results import Results
from bot.samples import Samples
from bot.seeds import Seeds
from bot.sheets import Sheets
from bot.showcase import Showcase
from bot.studio import Studio
from bot.views import ALL_BUTTONS, result_view, waiting_view

log = logging.getLogger(__name__)

_CANCEL_AGAIN = 0.5  # seconds

_UNKNOWN_TOKEN = 4004  # the gateway's close code for it


class EaselTree(app_commands.CommandTree[discord.Client]):
    """The commands; whatever goes wrong in one is told to its member."""

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        await refuse(interaction, error)


class EaselBot(commands.AutoShardedBot):
    """Easel on Discord.

    `api_url` is another base of the REST API; the gateway's address is asked of it. It holds for the whole
    process, as discord.py keeps both for all clients. `progress_interval` is in seconds.
    """

    def __init__(
        self,
        *,
        studio: Studio,
        history: History,
        seeds: Seeds,
        preferences: Preferences,
        samples: Samples,
        mydata: MyData,
        sheets: Sheets,
        pictures: Pictures,
        api_url: str | None = None,
        progress_interval: float = INTERVAL,
    ) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # Easel does not speak
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=EaselTree,
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            # Members may take Easel along to servers that do not have it, and to their conversations.
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
        )
        self._studio = studio
        self._history = history
        self._api_url = api_url
        self._lost: set[int] = set()  # shards that were connected and are not
        self._post = post = Post(self)
        self._progress = Progress(studio, post, waiting_view, interval=progress_interval)
        self._comparing = Comparing(sheets, post, interval=2 * progress_interval)
        self._reminder = Reminder(studio)
        results = Results(studio=studio, history=history, progress=self._progress)
        self._delivery = Delivery(studio=studio, post=post, kinds=(results, self._comparing, Descriptions(studio)))
        self.desk = Desk(
            studio=studio,
            history=history,
            seeds=seeds,
            preferences=preferences,
            samples=samples,
            mydata=mydata,
            pictures=pictures,
            sheets=sheets,
            progress=self._progress,
            showcase=Showcase(self, post, result_view, studio=studio),
            follow_sheet=self._comparing.follow,
        )

    async def login(self, token: str) -> None:
        """Say who the bot is, and set it up. Raises BadToken, NoDiscord, CommandsRefused."""
        if self._api_url is not None:
            Route.BASE = self._api_url
        with _told_apart():
            try:
                await super().login(token)
            except (TypeError, KeyError) as error:
                if self.user is not None:
                    raise
                raise NoDiscord(Route.BASE, "what answers there is not Discord") from error

    async def setup_hook(self) -> None:
        """Make the commands known. Raises CommandsRefused."""
        if self._api_url is not None:
            # A session that cannot be resumed begins anew at this address, not at the one it was first told.
            _, url, _ = await insist(self.http.get_bot_gateway)
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        for cog in every_cog(self.desk, self):
            await self.add_cog(cog)
        offer_modes(self.tree, await asyncio.to_thread(self._studio.recipes.controlled_modes))
        self.add_dynamic_items(*ALL_BUTTONS)
        try:
            synced = await insist(self.tree.sync)
        except (discord.HTTPException, app_commands.AppCommandError) as error:
            raise CommandsRefused(str(error)) from error
        log.info("Discord knows %d commands", len(synced))

    async def connect(self, *, reconnect: bool = True) -> None:
        """Stay connected and deliver results. Whichever of the two fails ends both, loudly.

        Raises BadToken, also when the token is taken back later, and NoDiscord, only before the first connection:
        one that was there is made again for as long as it takes.
        """
        tasks = {
            asyncio.create_task(self._stay_connected(reconnect=reconnect), name="gateway"),
            asyncio.create_task(self._serve(), name="deliveries"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._comparing.close()
            await self._progress.close()
            await self._post.close()
            await _end(tasks)

    async def _stay_connected(self, *, reconnect: bool) -> None:
        with _told_apart():
            await super().connect(reconnect=reconnect)

    async def _serve(self) -> None:
        for generation_id, address in await self._studio.waiting_deliveries():
            try:
                generation = await self._history.any(generation_id)
            except NotFound:
                continue
            except Exception:
                log.exception("the progress of %s cannot be told", generation_id)
                continue
            prompt, guild_id = generation.recipe.prompt, generation.guild_id
            self._progress.follow(generation_id, address, prompt, restarted=True, guild_id=guild_id)
        await self._comparing.resume()
        await self._delivery.run()

    @property
    def is_connected(self) -> bool:
        """Whether all shards are connected to Discord's gateway now."""
        return self.is_ready() and not self._lost

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self._lost.add(shard_id)

    async def on_shard_ready(self, shard_id: int) -> None:
        self._lost.discard(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self._lost.discard(shard_id)

    async def on_ready(self) -> None:
        log.info("%s is connected, in %d servers", self.user, len(self.guilds))

    async def on_interaction(self, interaction: discord.Interaction[discord.Client], /) -> None:
        await self._reminder.remind(interaction)

    async def on_message(self, message: discord.Message, /) -> None:
        """Nothing: there are no prefix commands, and `Reply` listens for itself."""


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel until it counts: discord.py swallows a cancellation while it connects anew."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN)


@contextmanager
def _told_apart() -> Iterator[None]:
    """Raise what keeps the bot from Discord as BadToken, or as NoDiscord; a fault of ours passes as it is."""
    try:
        yield
    except discord.LoginFailure as error:
        raise BadToken from error
    except discord.ConnectionClosed as error:
        if error.code != _UNKNOWN_TOKEN:
            raise
        raise BadToken from error
    except discord.HTTPException as error:  # its own sentence has whatever page was answered
        raise NoDiscord(Route.BASE, f"{error.status} {error.response.reason}") from error
    except (discord.GatewayNotFound, aiohttp.ClientError, OSError) as error:
        raise NoDiscord(Route.BASE, str(error) or type(error).__name__) from error
