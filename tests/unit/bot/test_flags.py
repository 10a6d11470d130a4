"""The grammar of a reply's text."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadFlag, FlagValue
from bot.flags import FLAG_NAMES, Flags, read_flags
from generation import Mode, OutOfRange, Request, UnknownChoice

DASHES = ("--", "\u2014", "\u2013")


def test_every_flag_sets_the_field_it_is_named_for() -> None:
    flags = read_flags(
        "a red cat --strength 0.4 --seed same --no fog --size 16:9 --steps 30"
        " --guidance 7 --model sd-1.5 --style ink --count 2 --scheduler DDIM"
    )
    assert flags == Flags(
        prompt="a red cat",
        seed="same",
        changes={
            "strength": 0.4,
            "negative_prompt": "fog",
            "size": "16:9",
            "num_inference_steps": 30,
            "guidance_scale": 7.0,
            "model": "sd-1.5",
            "style": "ink",
            "count": 2,
            "scheduler": "DDIM",
        },
    )


@pytest.mark.parametrize(
    ("text", "prompt", "changes"),
    [
        ("--steps 30 a red cat", "a red cat", {"num_inference_steps": 30}),
        (
            "a red --steps 30 cat --guidance 7",
            "a red cat",
            {"num_inference_steps": 30, "guidance_scale": 7.0},
        ),
        ("a red cat --steps=30", "a red cat", {"num_inference_steps": 30}),
        ("a red cat --steps = 30", "a red cat", {"num_inference_steps": 30}),
        ("a red cat --STEPS 30", "a red cat", {"num_inference_steps": 30}),
        ("a red cat\n--steps\t30\non the beach", "a red cat on the beach", {"num_inference_steps": 30}),
        ("more snow, --steps 30, --count 2", "more snow,", {"num_inference_steps": 30, "count": 2}),
        (
            "--no fog, rain and people --count 2 a hill",
            "a hill",
            {"negative_prompt": "fog, rain and people", "count": 2},
        ),
        ('--no "fog and rain" a hill', "a hill", {"negative_prompt": "fog and rain"}),
        ("a hill --no=fog and rain", "a hill", {"negative_prompt": "fog and rain"}),
        ("--scheduler \u201cDPM++ 2M Karras\u201d a hill", "a hill", {"scheduler": "DPM++ 2M Karras"}),
        ("a hill --strength 0,4", "a hill", {"strength": 0.4}),
        ("a hill --strength .4", "a hill", {"strength": 0.4}),
        ("--size 16:9", "", {"size": "16:9"}),
    ],
)
def test_flags_may_stand_anywhere(text: str, prompt: str, changes: dict[str, object]) -> None:
    flags = read_flags(text)
    assert (flags.prompt, dict(flags.changes)) == (prompt, changes)


@pytest.mark.parametrize(("flag", "field"), [("strength", "strength"), ("guidance", "guidance_scale")])
def test_zero_is_a_value(flag: str, field: str) -> None:
    assert read_flags(f"a cat --{flag} 0").changes[field] == 0.0


def test_seed_zero_is_kept_as_typed() -> None:
    assert read_flags("a cat --seed 0").seed == "0"


@pytest.mark.parametrize("dash", DASHES)
def test_a_dash_that_a_phone_made_of_two_hyphens_begins_a_flag(dash: str) -> None:
    assert dict(read_flags(f"a cat {dash}strength 0.4").changes) == {"strength": 0.4}


@pytest.mark.parametrize(
    "text",
    [
        "a cat \u2014 sitting",
        "a cat \u2014sitting on a mat",
        "a well-known cat",
        "a cat -- sitting",
        "a cat --- sitting",
        "a cat--strength 0.4",
        "--5",
        "-strength 0.4",
        '  a sign that says "open"  ',
        "",
    ],
)
def test_a_text_without_a_flag_is_its_own_prompt(text: str) -> None:
    assert read_flags(text) == Flags(prompt=text)


@pytest.mark.parametrize(
    ("typed", "mode"),
    [("depth", Mode.DEPTH), ("Image", Mode.IMAGE_TO_IMAGE), ("outpaint", Mode.OUTPAINT), ("auto", None)],
)
def test_a_mode_is_read_by_its_name_and_auto_leaves_it_open(typed: str, mode: Mode | None) -> None:
    assert read_flags(f"a cat --mode {typed}").changes == {"mode": mode}


def test_an_unknown_mode_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UnknownChoice) as caught:
        read_flags("a cat --mode dept")
    assert caught.value.argument == "mode"
    assert caught.value.closest == "depth"


@pytest.mark.parametrize(
    ("typed", "closest"),
    [
        ("--strenght 0.4", "strength"),
        ("\u2014strenght 0.4", "strength"),
        ("--strength:0.4", "strength"),
        ("--step 3", "steps"),
        ("--no-fog", "no"),
        ("--negative_prompt fog", "no"),
        ("--ar 16:9", "size"),
        ("--cfg 7", "guidance"),
        ("--xyzzy", None),
        ("--preset ink", "style"),
    ],
)
def test_unknown_flag_is_refused_with_the_closest_one(typed: str, closest: str | None) -> None:
    with pytest.raises(BadFlag) as caught:
        read_flags(f"a cat {typed}")
    assert caught.value.closest == closest
    assert caught.value.flag in typed
    assert not caught.value.value_missing
    assert not caught.value.repeated


@pytest.mark.parametrize("name", FLAG_NAMES)
@pytest.mark.parametrize("rest", ["", " --count 2", "=", ' ""'])
def test_flag_without_a_value_is_refused(name: str, rest: str) -> None:
    with pytest.raises(BadFlag) as caught:
        read_flags(f"a cat --{name}{rest}")
    assert caught.value.flag == name
    assert caught.value.value_missing


def test_repeated_flag_is_refused() -> None:
    with pytest.raises(BadFlag) as caught:
        read_flags("a cat --steps 30 --steps 20")
    assert caught.value.flag == "steps"
    assert caught.value.repeated


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("strength", "much", FlagValue.NUMBER),
        ("strength", "nan", FlagValue.NUMBER),
        ("guidance", "inf", FlagValue.NUMBER),
        ("guidance", "1e3", FlagValue.NUMBER),
        ("guidance", "\u0663", FlagValue.NUMBER),
        ("steps", "2.5", FlagValue.WHOLE_NUMBER),
        ("steps", "9" * 5000, FlagValue.WHOLE_NUMBER),
        ("count", "two", FlagValue.WHOLE_NUMBER),
    ],
)
def test_value_of_the_wrong_kind_is_refused(flag: str, value: str, expected: FlagValue) -> None:
    with pytest.raises(BadFlag) as caught:
        read_flags(f"a cat --{flag} {value}")
    assert (caught.value.flag, caught.value.value, caught.value.expected) == (flag, value, expected)


@pytest.mark.parametrize(
    ("flag", "value", "minimum", "maximum"),
    [("strength", "2", 0, 1), ("strength", "-0.1", 0, 1), ("count", "9", 1, 4)],
)
def test_value_outside_its_bounds_is_refused(flag: str, value: str, minimum: float, maximum: float) -> None:
    with pytest.raises(OutOfRange) as caught:
        read_flags(f"a cat --{flag} {value}")
    assert (caught.value.argument, caught.value.minimum, caught.value.maximum) == (flag, minimum, maximum)


@pytest.mark.parametrize("text", ["<@42> a cat", "a cat <@!42>", "a <@42> cat"])
def test_mention_of_the_bot_is_no_part_of_the_prompt(text: str) -> None:
    assert read_flags(text, mention=42).prompt == "a cat"


def test_mention_of_somebody_else_stays() -> None:
    assert read_flags("<@42> draw <@7> a cat", mention=42).prompt == "draw <@7> a cat"


@given(st.text())
def test_text_without_a_dash_comes_back_unchanged(text: str) -> None:
    text = "".join(letter for letter in text if letter != "-" and not "\u2012" <= letter <= "\u2015")
    assert read_flags(text) == Flags(prompt=text)


PIECES = st.sampled_from(
    [
        *(dash + name for dash in DASHES for name in FLAG_NAMES),
        "--",
        "=",
        '"',
        "'",
        "\u201c",
        "\u201d",
        " ",
        "\n",
        "0",
        ",",
    ]
)


@given(st.lists(PIECES | st.text(max_size=6)).map("".join) | st.lists(PIECES | st.text(max_size=6)).map(" ".join))
def test_any_text_gives_flags_or_one_of_three_errors(text: str) -> None:
    try:
        flags = read_flags(text, mention=42)
    except (BadFlag, OutOfRange, UnknownChoice):
        return
    assert set(flags.changes) <= {field.name for field in fields(Request)} - {"prompt", "seed", "source"}
    assert all(value != "" for value in flags.changes.values())
