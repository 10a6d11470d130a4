"""The composition root: settings -> database -> worker -> queue -> client, closed in reverse."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import psutil

import db
from bot.backup import finish_restore, is_restoring
from bot.content import ContentFilter
from bot.errors import AlreadyRunning, PortTaken
from bot.folder import owned, written
from bot.health import Health
from bot.history import History
from bot.ledger import Ledger
from bot.models import own_file
from bot.mydata import MyData
from bot.pictures import Pictures
from bot.preferences import Preferences
from bot.recipes import Recipes
from bot.samples import Samples
from bot.seeds import Seeds
from bot.servers import Servers
from bot.settings import Settings
from bot.sheets import Sheets
from bot.studio import Studio
from bot.tally import Tally
from db import Database
from generation import Adapters, Allowance, Catalogue, CostModel, JobQueue, Rate, Styles, Supervisor

log = logging.getLogger(__name__)

_WORKERS_SHARE = 0.9  # of the computer's memory; a worker that has more would take the system down with it
_PREVIEW_EVERY = 1.5  # seconds; waiting messages change a little less often


@dataclass(frozen=True, kw_only=True)
class House:
    """Everything that is not Discord, opened."""

    settings: Settings
    studio: Studio
    history: History
    seeds: Seeds
    preferences: Preferences
    samples: Samples
    mydata: MyData
    sheets: Sheets
    pictures: Pictures
    supervisor: Supervisor
    database: Database
    tally: Tally


@asynccontextmanager
async def open_house(settings: Settings, *, beside: bool = False) -> AsyncIterator[House]:
    """Open the data folder and everything on it; the worker starts with the first work.

    `beside` another process that runs on the same folder, what is submitted is drawn by that one.
    Raises FolderUnusable, AlreadyRunning (not `beside`), db.DatabaseError, UnknownChoice or ModelUnavailable.
    """
    async with AsyncExitStack() as stack:
        # 1. One process at a time owns the queue of a data folder.
        with written(settings.data_dir):
            if not beside:
                stack.enter_context(owned(settings.data_dir))
                _finish_restore(settings)
            elif is_restoring(settings.data_dir):
                with owned(settings.data_dir):
                    _finish_restore(settings)
        # 2. The records.
        database = await Database.open(settings.data_dir / "easel.db")
        stack.push_async_callback(database.close)
        async with database.reading() as connection:
            rates = {
                row.key: Rate(seconds_per_unit=row.seconds_per_unit, spread=row.spread, samples=row.samples)
                for row in await db.rates.every(connection)
            }
        # 3. What draws.
        catalogue = Catalogue.read(default=settings.model, own=own_file(settings))
        styles = Styles.read(own=own_file(settings).with_name("styles.toml"))
        supervisor = Supervisor(
            device=settings.device,
            threads=settings.threads,
            watermark=settings.watermark,
            content_filter=settings.content_filter is not ContentFilter.OFF,
            memory=settings.memory,
            folder=settings.data_dir,
            ceiling=round(_WORKERS_SHARE * psutil.virtual_memory().total),
        )
        stack.push_async_callback(supervisor.close)
        # 4. What decides.
        allowance = Allowance(capacity=settings.allowance_seconds, per_hour=settings.allowance_per_hour)
        with written(settings.data_dir / "pictures"):
            pictures = Pictures(settings.data_dir / "pictures")
        history = History(database, pictures=pictures, clock=time.time)
        preferences = Preferences(database)
        servers = Servers(database, most=allowance.times(settings.allowance_grant))
        await servers.load()
        ledger = Ledger(database, allowance=allowance)
        recipes = Recipes(
            catalogue=catalogue,
            styles=styles,
            adapters=Adapters(settings.data_dir / "models"),
            preferences=preferences,
            servers=servers,
            pictures=pictures,
        )
        studio = Studio(
            recipes=recipes,
            ledger=ledger,
            history=history,
            pictures=pictures,
            costs=CostModel(rates),
            queue=JobQueue(limit=settings.queue_limit, limit_each=settings.queue_limit_each, clock=time.time),
            supervisor=supervisor,
            content_filter=settings.content_filter,
            preview_every=_PREVIEW_EVERY if settings.previews else None,
        )
        samples = Samples(settings.data_dir / "cache" / "styles", studio=studio, history=history)
        stack.push_async_callback(samples.close)
        if not beside:
            await studio.restore()
        seeds = Seeds(database, clock=time.time)
        yield House(
            settings=settings,
            studio=studio,
            history=history,
            seeds=seeds,
            preferences=preferences,
            samples=samples,
            mydata=MyData(database, pictures=pictures, studio=studio, clock=time.time),
            sheets=Sheets(database, ledger=ledger, studio=studio, history=history, seeds=seeds, clock=time.time),
            pictures=pictures,
            supervisor=supervisor,
            database=database,
            tally=ledger.tally,
        )


def _finish_restore(settings: Settings) -> None:
    if is_restoring(settings.data_dir):
        aside = finish_restore(settings.data_dir)
        log.warning("a restore that was cut off is finished; what was there before is in %s", aside)


def is_running(settings: Settings) -> bool:
    """Whether another process works on the data folder. It does nothing if none does."""
    try:
        with owned(settings.data_dir):
            return False
    except AlreadyRunning:
        return True


async def run(settings: Settings) -> None:
    """Run the bot until a stop signal comes; without a token, on the playground.

    Whatever part of it fails ends all of it, loudly. Raises what `open_house` raises, PortTaken, BadToken,
    NoDiscord and CommandsRefused.
    """
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(settings))
        token, api_url = await _discord(stack, settings)
        from bot.client import EaselBot

        bot = EaselBot(
            studio=house.studio,
            history=house.history,
            seeds=house.seeds,
            preferences=house.preferences,
            samples=house.samples,
            mydata=house.mydata,
            sheets=house.sheets,
            pictures=house.pictures,
            api_url=api_url,
        )
        await stack.enter_async_context(bot)
        health = Health(
            database=house.database,
            studio=house.studio,
            supervisor=house.supervisor,
            tally=house.tally,
            is_connected=lambda: bot.is_connected,
            host=settings.health_host,
            port=settings.health_port,
        )
        await stack.enter_async_context(health)
        stopped = _stop_signal()
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(house.studio.run(), name="studio"),
                tasks.create_task(house.studio.watch(), name="jobs from beside"),
                tasks.create_task(bot.start(token), name="discord"),
            ]
            await stopped.wait()
            log.info("stopping: what is being drawn goes back to the queue")
            for task in running:
                task.cancel()


async def _discord(stack: AsyncExitStack, settings: Settings) -> tuple[str, str | None]:
    """The token and the address of Discord, or of the playground where there is no token."""
    if settings.discord_token is not None:
        return settings.discord_token.get_secret_value(), settings.discord_api_url
    from bot.playground import Playground

    try:
        playground = await stack.enter_async_context(Playground(port=settings.playground_port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise PortTaken(settings.playground_port, reason) from error
    log.info("no token is set, so this is the playground: open %s", playground.url)
    return playground.token, playground.api_url


def _stop_signal() -> asyncio.Event:
    """An event that is set by Ctrl-C or by a service manager's stop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    return stopped
