"""What is registered at Discord is what the product promises: names, options, kinds and limits."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import discord
import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.flags import FLAG_NAMES
from bot.playground import Person
from bot.views import result_view
from tests.contract.bot.conftest import Start

PRODUCT = Path(__file__).parents[4] / "shared" / "PRODUCT.md"

Json = dict[str, Any]
Kind = discord.AppCommandOptionType
KINDS = {
    "string": Kind.string,
    "integer": Kind.integer,
    "number": Kind.number,
    "boolean": Kind.boolean,
    "attachment": Kind.attachment,
    "choice": Kind.string,
}
# Of options that the tables name without a kind.
BY_NAME = {
    "id": Kind.string,
    "search": Kind.string,
    "starred": Kind.boolean,
    "member": Kind.user,
    "amount": Kind.number,
    "scale": Kind.number,
    "direction": Kind.string,
    "image1": Kind.attachment,
    "image2": Kind.attachment,
}
NEEDS_CONTROLNET = {"edges", "sketch", "pose"}


@dataclass(frozen=True, kw_only=True)
class Promised:
    """A command of the tables; of `either` options a member gives one."""

    name: str
    subcommands: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    either: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    choices: Mapping[str, frozenset[str]] | None = None
    lists: bool = False  # options are comma lists, and so texts
    all_of_imagine: bool = False
    free: bool = False  # its subcommands are not told by name

    @property
    def options(self) -> frozenset[str]:
        return self.required | self.either | self.optional


@pytest.fixture(scope="module")
def product() -> str:
    if not PRODUCT.is_file():
        pytest.skip(f"the product's tables are not at {PRODUCT}")
    return PRODUCT.read_text("utf-8")


@pytest.fixture
async def registered(start: Start, ada: Person) -> AsyncIterator[list[Json]]:
    async with start(drawing=False):
        yield ada.scene.commands.registered(None)


def slash_commands(registered: list[Json]) -> dict[str, Json]:
    return {command["name"]: command for command in registered if command["type"] == 1}


def options_of(command: Json) -> dict[str, Json]:
    return {option["name"]: option for option in command.get("options", ())}


def cells_of(line: str) -> list[str]:
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def bold(text: str) -> set[str]:
    return set(re.findall(r"\*\*(.+?)\*\*", text))


def table(product: str, heading: str) -> list[list[str]]:
    """The rows below the line that holds `heading`."""
    lines = product.partition(f"| {heading} |")[2].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(cells_of(line))
    assert rows
    return rows


def promised(product: str) -> Iterator[Promised]:
    for first, *_ in table(product, "command"):
        text = first.replace("`", "")
        plain = re.sub(r"\[.*?\]", "", text)
        either = frozenset(chain.from_iterable(re.findall(r"(\w+):\s*(?:or|/)\s*(\w+):", plain)))
        choices = {name: frozenset(values.split("|")) for name, values in re.findall(r"\[(\w+): ([\w|]+)\]", text)}
        subcommands = re.search(r"/\w+ (\w+(?:\|\w+)+)", plain)
        for name in re.findall(r"(?<!any )(?<!:)/(\w+)", plain):
            yield Promised(
                name=name,
                subcommands=frozenset() if subcommands is None else frozenset(subcommands[1].split("|")),
                required=frozenset(re.findall(r"(\w+):", plain)) - either,
                either=either,
                optional=frozenset(re.findall(r"\[(\w+)(?:: [\w|]+)?\]", text)),
                choices=choices,
                lists="comma lists" in text,
                all_of_imagine="any /imagine option" in text,
                free="…" in text,
            )


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of `/imagine` by its row: what is said of its kind."""

    name: str
    required: bool
    kind: str
    about: str


def imagine_options(product: str) -> Iterator[Option]:
    for names, kinds, about in table(product, "option"):
        found = re.findall(r"`(\w+)`", names)
        said = kinds.split(", ") if len(found) > 1 else [kinds]
        for name, kind in zip(found, said, strict=True):
            yield Option(name=name, required="(required)" in names, kind=kind, about=about)


def test_the_tables_are_read_whole(product: str) -> None:
    commands = {each.name: each for each in promised(product)}
    assert {"reroll", "seed", "compare", "models", "info", "mydata", "server"} <= commands.keys()
    assert commands["upscale"].either == commands["outpaint"].either == {"image", "id"}
    assert commands["outpaint"].required == {"direction"}
    assert commands["reroll"].choices == {"seed": {"new", "same"}}
    assert commands["mydata"].subcommands == {"export", "delete"}
    assert len([*imagine_options(product)]) == 15


async def test_every_promised_command_is_registered_and_no_other_one(product: str, registered: list[Json]) -> None:
    names = {each.name for each in promised(product)} | {"imagine"}
    assert set(slash_commands(registered)) == names
    menus = re.search(r"Context-menu commands[^:]*: (.*)", product)
    assert menus is not None
    assert {each["name"] for each in registered if each["type"] == 3} == bold(menus[1])


async def test_every_command_has_the_options_of_its_row(product: str, registered: list[Json]) -> None:
    commands = slash_commands(registered)
    imagine = {option.name: option for option in imagine_options(product)}
    for each in promised(product):
        options = options_of(commands[each.name])
        if each.free:
            assert {Kind(option["type"]) for option in options.values()} == {Kind.subcommand}, each.name
            continue
        if each.subcommands:
            assert set(options) == each.subcommands, each.name
            continue
        assert set(options) == each.options | (imagine.keys() if each.all_of_imagine else set()), each.name
        assert {name for name, option in options.items() if option.get("required")} == each.required, each.name
        for name in each.options:
            told = KINDS[re.split(r"[ ,]", imagine[name].kind)[0]] if name in imagine else BY_NAME[name]
            kind = Kind.string if each.lists else told
            assert Kind(options[name]["type"]) is kind, (each.name, name)
        for name, values in (each.choices or {}).items():
            assert {choice["value"] for choice in options[name]["choices"]} == values


async def test_the_moderators_command_is_offered_in_servers_to_whoever_may_manage_them(
    registered: list[Json],
) -> None:
    server = slash_commands(registered)["server"]
    assert server["default_member_permissions"] == str(discord.Permissions(manage_guild=True).value)
    assert (server["contexts"], server["integration_types"]) == ([0], [0])


async def test_imagine_has_the_kinds_and_the_ranges_of_its_table(product: str, registered: list[Json]) -> None:
    options = options_of(slash_commands(registered)["imagine"])
    assert set(options) == {option.name for option in imagine_options(product)}
    for told in imagine_options(product):
        option = options[told.name]
        kind = re.split(r"[ ,]", told.kind)[0]
        assert Kind(option["type"]) is KINDS[kind], told.name
        assert bool(option.get("required")) == told.required, told.name
        assert bool(option.get("autocomplete")) == ("autocomplete" in told.kind), told.name
        assert bool(option.get("choices")) == (kind == "choice"), told.name
        if limit := re.search(r"≤ ([\d,]+)", told.kind):
            assert option["max_length"] == int(limit[1].replace(",", ""))
        if span := re.search(r"([\d.]+)-([\d.]+)", told.kind):
            assert (option["min_value"], option["max_value"]) == (float(span[1]), float(span[2]))
        if told.name == "mode":
            modes = {choice["value"] for choice in option["choices"]}
            assert modes == set(re.findall(r"`(\w+)`", told.about)) - NEEDS_CONTROLNET


async def test_the_whole_set_is_within_discords_limits(registered: list[Json]) -> None:
    assert len(slash_commands(registered)) <= 100
    assert len([each for each in registered if each["type"] == 3]) <= 5  # as many as discord.py takes
    for command in registered:
        assert sum(characters(command)) <= 8000, command["name"]
        for part in parts(command):
            assert len(part.get("options", ())) <= 25, part["name"]
            assert len(part.get("choices", ())) <= 25, part["name"]
            if part.get("type") != 3 or part is not command:
                assert 1 <= len(part["description"]) <= 100, part["name"]
                assert re.fullmatch(r"[-_\w]{1,32}", part["name"])
            for choice in part.get("choices", ()):
                assert 1 <= len(choice["name"]) <= 100
                assert 1 <= len(str(choice["value"])) <= 100


def parts(part: Json) -> Iterator[Json]:
    yield part
    for option in part.get("options", ()):
        yield from parts(option)


def characters(part: Json) -> Iterator[int]:
    for each in parts(part):
        yield len(each["name"]) + len(each.get("description") or "")
        yield from (len(choice["name"]) + len(str(choice["value"])) for choice in each.get("choices", ()))


async def test_modes_that_need_a_controlnet_are_offered_where_one_is(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start(drawing=False):
        assert not NEEDS_CONTROLNET & modes_offered(ada)
    control = tmp_path / "models" / "controlnets" / "edges" / "mine.safetensors"
    control.parent.mkdir(parents=True)
    tensors = {
        "control_model.input_hint_block.0.weight": np.zeros(1, np.float32),
        "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": np.zeros((2, 768), np.float32),
    }
    save_file(tensors, control)
    async with start(drawing=False):
        assert NEEDS_CONTROLNET & modes_offered(ada) == {"edges"}


def modes_offered(person: Person) -> set[str]:
    imagine = slash_commands(person.scene.commands.registered(None))["imagine"]
    return {choice["value"] for choice in options_of(imagine)["mode"]["choices"]}


def test_a_reply_takes_every_promised_flag(product: str) -> None:
    told = re.search(r"may carry flags: `(.*?)`", product)
    assert told is not None
    flags = set(re.findall(r"--(\w+)", told[1]))
    assert len(flags) > 8
    assert flags <= set(FLAG_NAMES)


async def test_a_result_has_every_promised_button(product: str) -> None:
    told = re.search(r"buttons that work forever[^:]*: (.*?)\. With", product)
    assert told is not None
    view = result_view("abc", ["abc.png"])
    buttons = [child for child in view.children if isinstance(child, discord.ui.DynamicItem)]
    assert bold(told[1]) == {getattr(button.item, "label", None) for button in buttons}
