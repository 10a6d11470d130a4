"""`easel doctor`: what this machine has, what is missing, and what to do about it."""

import asyncio
import os
import platform
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import discord
import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import adaptations
from bot.app import House, open_house
from bot.errors import AlreadyRunning, FolderUnusable
from bot.settings import Settings
from bot.wording import sentence
from db import DatabaseError, DatabaseUnusable, MigrationFailed, NewerDatabase, Reason
from generation import GenerationError, LoadFailed, ModelUnavailable, UnknownChoice, WorkerDied, inspect

_DISCORD = "https://discord.com/api/v10"
_SPARE_DISK = 2.0  # GB: some thousand pictures
_SPARE_MEMORY = 4.0  # GB: Stable Diffusion 1.x in half precision and its working memory
_NEEDED = {  # as Discord shows them
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
}
_BUILT_IN = "storybook"  # a model that every machine has the memory for
_PUT_BACK = (
    "and give `easel restore` a backup, or the file that an update left beside the database: easel.db.before- and "
    "a number."
)

_ADVICE = {
    Reason.LOCKED: "Another program has it open: close that one, and try again.",
    Reason.CORRUPT: f"Stop Easel, {_PUT_BACK} Without one, move easel.db away, and Easel begins anew.",
    Reason.READ_ONLY: "Let this user write to the file and to the folder that it is in.",
    Reason.FULL: "Make room on that disk, or move the folder to a larger one and set EASEL_DATA_DIR.",
    Reason.MISPLACED: "Set EASEL_DATA_DIR to a folder on a disk of this machine.",
    Reason.FOREIGN: "Set EASEL_DATA_DIR to a folder of Easel's own.",
    Reason.FAILING: "Copy the folder to another disk while it can be read, and set EASEL_DATA_DIR to the copy.",
    Reason.OUTDATED: "Use a newer Python, which brings a newer SQLite.",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at; `advice` says what to do where it is not `ok`."""

    subject: str
    ok: bool
    found: str
    advice: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything, the cheap things first. A check that fails does not keep the next ones from running."""
    findings = [_python(), _memory(settings), _disk(settings)]
    findings += await _discord(settings)
    try:
        async with open_house(settings) as house:
            findings.append(_fine("Database", f"{settings.data_dir / 'easel.db'} opens and is up to date"))
            findings.extend([await check(house) for check in _ON_THE_HOUSE])
    except AlreadyRunning as error:
        findings.append(_fine("Database", sentence(error)))
    except FolderUnusable as error:
        advice = "Let this user write to it, or set EASEL_DATA_DIR to another folder."
        findings.append(_bad("Folder", f"{error.folder} cannot be used: {error.reason}", advice))
    except DatabaseError as error:
        findings.append(_bad("Database", sentence(error), database_advice(error)))
    except (UnknownChoice, ModelUnavailable) as error:
        findings.append(_bad("Model", sentence(error), "Set EASEL_MODEL to a model that is there."))
    return findings


def show(findings: list[Finding], console: Console) -> None:
    """Print the findings as a table, and what to do below it."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]!![/]"
        table.add_row(mark, Text(finding.subject, style="bold"), Text(finding.found))
        if finding.advice and not finding.ok:
            table.add_row("", "", Text(finding.advice, style="yellow"))
    console.print(table)


def _fine(subject: str, found: str) -> Finding:
    return Finding(subject=subject, ok=True, found=found)


def _bad(subject: str, found: str, advice: str) -> Finding:
    return Finding(subject=subject, ok=False, found=found, advice=advice)


def _python() -> Finding:
    return _fine("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _memory(settings: Settings) -> Finding:
    memory = psutil.virtual_memory()
    total, free = memory.total / 1e9, memory.available / 1e9
    found = f"{free:.1f} of {total:.1f} GB are free"
    if settings.model == _BUILT_IN:
        return _fine("Memory", f"{found}, and {_BUILT_IN} needs little")
    if free >= _SPARE_MEMORY:
        return _fine("Memory", found)
    advice = f"Close other programs: Stable Diffusion wants about 4 GB. Or set EASEL_MODEL to {_BUILT_IN}."
    return _bad("Memory", found, advice)


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir
    while not os.path.exists(folder):  # noqa: PTH110  (Path.exists raises where it may not look)
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    found = f"{free:.1f} GB are free for {settings.data_dir}"
    if free >= _SPARE_DISK:
        return _fine("Disk", found)
    return _bad("Disk", found, "Make room there, or set EASEL_DATA_DIR to a folder on a larger disk.")


async def _discord(settings: Settings) -> list[Finding]:
    """The token, and what the bot may do in the servers that it is in."""
    if settings.discord_token is None:
        return [_fine("Token", "none is set, so `easel run` starts the playground")]
    me = f"{settings.discord_api_url or _DISCORD}/users/@me"
    headers = {"Authorization": f"Bot {settings.discord_token.get_secret_value()}"}
    timeout = aiohttp.ClientTimeout(total=15)
    try:
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            status, bot = await _asked(session, me)
            if status == 200:
                found = [_fine("Token", f"Discord knows it as {bot['username']}")]
                status, guilds = await _asked(session, f"{me}/guilds")
                return [*found, servers(guilds)] if status == 200 else found
    except (aiohttp.ClientError, TimeoutError) as error:
        return [
            _bad("Token", f"Discord cannot be reached: {error}", "Check the network and EASEL_DISCORD_API_URL.")
        ]
    if status == 401:
        advice = "Copy the token again from the Bot page of your application, and set EASEL_DISCORD_TOKEN."
        return [_bad("Token", "Discord does not know this token", advice)]
    return [_bad("Token", f"Discord answered {status}", "Try again in a few minutes.")]


async def _asked(session: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with session.get(url) as response:
        return response.status, await response.json() if response.status == 200 else None


def servers(guilds: Sequence[Mapping[str, Any]]) -> Finding:
    """Whether the bot may do what it has to in `guilds`, as Discord's API tells of them."""
    if not guilds:
        return _bad("Servers", "it is in none", "Invite it, from the OAuth2 page of your application.")
    lacking = {}
    for guild in guilds:
        granted = discord.Permissions(int(guild["permissions"]))
        names = [shown for name, shown in _NEEDED.items() if not getattr(granted, name)]
        if names and not granted.administrator:
            lacking[guild["name"]] = ", ".join(names)
    if not lacking:
        return _fine("Servers", f"it is in {len(guilds)}, and may do there what it has to")
    found = "; ".join(f"in {name} it lacks {names}" for name, names in lacking.items())
    return _bad("Servers", found, "Give its role these permissions in the settings of the server.")


def database_advice(error: DatabaseError) -> str:
    """What an operator does about a database that cannot be opened."""
    match error:
        case DatabaseUnusable(reason=reason):
            return _ADVICE[reason]
        case NewerDatabase():
            return f"Use the newer Easel again; or stop it, {_PUT_BACK}"
        case MigrationFailed():
            return "The file is as it was: use the Easel that wrote it, and report this one's log."
        case _:
            return "Try again; if it stays, the log says more."


async def _device(house: House) -> Finding:
    try:
        ready = await house.supervisor.start()
    except WorkerDied:
        lines = house.supervisor.last_words.splitlines() or ["it wrote nothing"]
        return _bad("Device", f"the worker does not start: {lines[-1]}", "Set EASEL_DEVICE to cpu and try again.")
    memory = f", {ready.memory / 1e9:.1f} GB" if ready.memory else ""
    return _fine("Device", f"{ready.device_name}{memory}, {ready.dtype}: {ready.reason}")


async def _model(house: House) -> Finding:
    model = house.studio.catalogue.find(None)
    try:
        report = await house.supervisor.load(model)
    except WorkerDied:
        return _bad("Model", f"{model.name} cannot be tried without a worker", "See the line above.")
    except GenerationError as error:
        return _bad("Model", sentence(error), "Set EASEL_MODEL to a model that is there.")
    if isinstance(report, LoadFailed):
        return _bad("Model", report.failure.detail, "Set EASEL_MODEL to a model that is there.")
    filtered = "; it comes without a safety checker, so nothing filters what it draws" if report.unfiltered else ""
    placement = f", in memory as {report.placement}" if report.placement else ""
    return _fine("Model", f"{model.title} loads in {report.seconds:.1f} s{placement}{filtered}")


async def _files(house: House) -> Finding:
    """Whether what was added is still there, as far as headers tell."""
    whole, faults = await asyncio.to_thread(_looked_through, house)
    if not faults:
        return _fine("Files", f"{whole} were added, and are there" if whole else "none were added")
    found = "; ".join(f"{name}: {reason}" for name, reason in faults.items())
    return _bad("Files", found, "`easel models remove` forgets what is gone for good.")


def _looked_through(house: House) -> tuple[int, dict[str, str]]:
    """How many of the operator's own files are whole, and what is wrong with the others."""
    models = (each for each in house.studio.catalogue.values() if Path(each.source).is_absolute())
    sources = {each.name: each.source for each in models}
    others = (path for _, path in adaptations.everything(house.settings.data_dir / "models"))
    sources |= {adaptations.called(path): str(path) for path in others}
    faults = {}
    for name, source in sources.items():
        try:
            inspect(source)
        except ModelUnavailable as error:
            faults[name] = error.reason
    return len(sources) - len(faults), faults


_ON_THE_HOUSE: tuple[Callable[[House], Awaitable[Finding]], ...] = (_device, _model, _files)
