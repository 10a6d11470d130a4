"""What is told reads well, and nothing that a member types breaks it."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from discord import Embed
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import wording
from bot.accounts import AllowanceState
from bot.board import QueuedJob
from bot.comparison import Comparison, Side
from bot.content import ContentFilter
from bot.flags import read_flags
from bot.history import Generation
from bot.rules import Grant, Rules
from bot.servers import Block, Deed, Entry, LogPage
from bot.studio import WorkerStatus
from bot.updates import Drawing, Waiting
from bot.wording.text import Plural, about, choice, duration, escape, expected_time, listing, quote, shorten
from db import Totals
from generation import (
    PROMPT_LIMIT,
    Allowance,
    Environment,
    Estimate,
    Failure,
    FailureKind,
    JobState,
    Mode,
    WorkerState,
)
from tests.recipes import a_generation, a_model, a_recipe

# Limits ----------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(max_size=PROMPT_LIMIT) | st.sampled_from(
    ["*" * 1500, "`" * 1500, "@everyone " * 150, "https://a.b/c " * 100, "<@1>" * 375, "🐈" * 1500, "\n" * 1500]
)


def a_queued_job(prompt: str) -> QueuedJob:
    return QueuedJob(
        generation_id="abcdefghjk",
        member_id=7,
        place=1,
        expected=Estimate.sure(1.0),
        running=False,
        private=False,
        prompt=prompt,
        model="storybook",
    )


@settings(max_examples=50)
@given(ANY_TEXT)
def test_no_prompt_makes_a_message_too_long_or_pings_anybody(prompt: str) -> None:
    generation = a_generation(prompt)
    texts = [
        wording.result(generation),
        wording.shown(generation),
        wording.waiting(Waiting(place=3, expected=Estimate.sure(9999.0)), prompt),
        wording.drawing(Drawing(step=1, steps=2, remaining=7.0), prompt),
        wording.failed(a_generation(prompt, state=JobState.CANCELLED)),
        wording.starred(generation, set_now=True),
    ]
    for text in texts:
        assert len(text) <= 1900  # room for what was done to an upload
        assert "@everyone" not in text
        assert "<@1>" not in text.replace("\\<", "")
        assert "://" not in text.replace("\\://", "")
    assert len(wording.alternative_text(generation.recipe)) <= 1024


@settings(max_examples=25)
@given(ANY_TEXT, st.integers(min_value=1, max_value=200))
def test_no_queue_is_too_long(prompt: str, length: int) -> None:
    job = a_queued_job(prompt)
    embed = wording.queue_list([job] * length, 7)
    assert len(embed) <= 6000
    assert isinstance(embed, Embed)
    assert embed.description is not None
    assert len(embed.description) <= 4096


@given(ANY_TEXT)
def test_no_text_ends_its_code_block(text: str) -> None:
    assert wording.code_block(text)[3:-3].count("```") == 0


@given(ANY_TEXT, st.integers(min_value=2, max_value=300))
def test_shortening_keeps_to_its_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert "\n" not in short
    assert len(quote(text, limit)) <= 3 * limit


def test_a_short_text_stays_as_it_is() -> None:
    assert shorten("a red  cat\non the beach", 100) == "a red cat on the beach"
    assert shorten("a red cat on the beach", 15) == "a red cat on…"


def test_escaping_shows_what_was_typed() -> None:
    assert escape("a_b *c* https://x.y") == "a\\_b \\*c\\* https\\://x.y"


# Plain words -----------------------------------------------------------------------------------------------


def test_a_result_says_what_it_is_and_whose() -> None:
    generation = a_generation()
    assert wording.result(generation) == (
        "**a red cat**\n-# storybook · seeds 7 to 8 · 256x256 · 3.1 s · `abcdefghjk` · <@7>"
    )


def test_zero_is_a_value() -> None:
    recipe = a_recipe(strength=0.0, guidance_scale=0.0, seeds=(0,), source="f" * 64)
    generation = a_generation(recipe=recipe)
    assert "strength 0 ·" in wording.result(generation)
    assert "seed 0 ·" in wording.result(generation)
    text = wording.recipe_text(generation)
    for line in ("strength: 0", "guidance: 0", "seed: 0"):
        assert line in text.splitlines()


@given(st.text(max_size=PROMPT_LIMIT), st.lists(st.text(min_size=1, max_size=100), min_size=2, max_size=16))
@settings(max_examples=50, deadline=None)
def test_no_comparison_makes_a_message_too_long_or_pings_anybody(prompt: str, values: list[str]) -> None:
    sides = tuple(Side(option=option, values=tuple(values)) for option in ("scheduler", "seed"))
    comparison = Comparison(prompt=prompt, sides=sides, recipes=(a_recipe(),) * 16)
    failure = Failure(kind=FailureKind.UNFIT, detail=prompt[:100])
    missing = [
        a_generation(prompt, state=JobState.FAILED, failure=failure),
        a_generation(state=JobState.CANCELLED),
    ]
    allowance = AllowanceState(left=5.0, capacity=600.0, per_hour=600.0, full_at=None)
    for text in (
        wording.comparison_asked(comparison, 1000.0, allowance),
        wording.comparison_waiting(comparison, 3, Estimate.sure(1000.0)),
        wording.comparison_result(comparison, {1: a_generation()}, member_id=7, missing=missing),
        wording.comparison_failed(comparison, missing),
        wording.comparison_deleted(comparison),
    ):
        assert len(text) <= wording.CONTENT_LIMIT
        assert "@everyone" not in text


def test_others_are_not_shown_what_one_asked_for() -> None:
    job = a_queued_job("fox")
    assert "fox" in str(wording.queue_list([job], 7).description)
    assert "fox" not in str(wording.queue_list([job], 8).description)


HOURLY = "Every hour brings 10 min back."


@pytest.mark.parametrize(
    ("left", "full_at", "words"),
    [
        (600.0, 1.7e9, "All of your 10 min of drawing time."),
        (
            90.0,
            1.7e9,
            f"90 s of your 10 min of drawing time is left; all of it is back <t:1700000000:R>.\n{HOURLY}",
        ),
        (
            0.0,
            1.7e9,
            f"Nothing of your 10 min of drawing time is left; all of it is back <t:1700000000:R>.\n{HOURLY}",
        ),
        (90.0, None, "90 s of your 10 min of drawing time is left."),
    ],
)
def test_an_allowance_explains_itself(left: float, full_at: float | None, words: str) -> None:
    state = AllowanceState(left=left, capacity=600.0, per_hour=600.0, full_at=full_at)
    status = WorkerStatus(state=WorkerState.IDLE)
    embed = wording.information(status, a_model(), state, Totals(generations=0, pictures=0, seconds=0.0), 0)
    assert words in {field.value for field in embed.fields}


@pytest.mark.parametrize("state", WorkerState)
def test_whatever_the_drawing_process_does_is_told(state: WorkerState) -> None:
    left = AllowanceState(left=1.0, capacity=600.0, per_hour=600.0, full_at=None)
    totals = Totals(generations=0, pictures=0, seconds=0.0)
    assert wording.information(WorkerStatus(state=state), a_model(), left, totals, 0).fields


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "under a second"), (1.0, "1 s"), (11.2, "12 s"), (100, "2 min"), (3601, "61 min"), (7200, "2 h")],
)
def test_spans_of_time_are_as_exact_as_one_cares_for(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "about 5 s"),
        (0.2, "about 5 s"),
        (5.1, "about 10 s"),
        (60.0, "about 60 s"),
        (60.1, "about 1 min 10 s"),
        (111.0, "about 2 min"),
        (289.0, "about 4 min 50 s"),
        (291.0, "about 5 min"),
        (301.0, "about 6 min"),
        (7200.0, "about 2 h"),
    ],
)
def test_a_guess_at_a_time_is_coarse(seconds: float, words: str) -> None:
    assert about(seconds) == words


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Estimate.sure(38.0), "about 40 s"),
        (Estimate(likely=38.0, least=30.0, most=50.0, learned=True), "about 40 s"),
        (Estimate(likely=38.0, least=20.0, most=70.0, learned=True), "20 s to 1 min 10 s"),
        (
            Estimate(likely=38.0, least=12.0, most=120.0, learned=False),
            "15 s to 2 min, a guess until it has run here",
        ),
        (Estimate(likely=0.2, least=0.1, most=0.6, learned=False), "about 5 s"),
    ],
)
def test_an_expected_time_says_how_sure_it_is(expected: Estimate, words: str) -> None:
    assert expected_time(expected) == words


def test_a_picture_that_is_nearly_done_is_said_to_be() -> None:
    assert wording.drawing(Drawing(step=9, steps=10, remaining=0.4), "a cat").endswith("nearly done")


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (Totals(generations=0, pictures=0, seconds=0.0), "none yet"),
        (Totals(generations=1, pictures=1, seconds=0.2), "1 picture · 1 request · under a second of drawing"),
        (Totals(generations=2, pictures=5, seconds=30.0), "5 pictures · 2 requests · 30 s of drawing"),
    ],
)
def test_totals_are_counted_in_words(totals: Totals, words: str) -> None:
    state = AllowanceState(left=600.0, capacity=600.0, per_hour=600.0, full_at=None)
    embed = wording.information(WorkerStatus(state=WorkerState.IDLE), a_model(), state, totals, 0)
    assert words in {field.value for field in embed.fields}


@pytest.mark.parametrize("file", sorted(Path(wording.__file__).parent.glob("*.py")), ids=lambda file: file.stem)
def test_no_sentence_is_put_together_from_pieces_that_nobody_could_translate(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    within = {id(part) for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in each.values}
    constants = [
        each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and id(each) not in within
    ]
    # 1. None goes on from another: " and others", ", in private"
    pieces = [text for text in constants if isinstance(text, str) and re.match(r"[ ,;]+\w", text)]
    # 2. nor does one that begins with words of its own,
    for each in ast.walk(tree):
        if isinstance(each, ast.JoinedStr) and re.match(r"f['\"][ ,;]+\w", ast.unparse(each)):
            pieces.append(ast.unparse(each))
        # 3. and none is put to another by a sign.
        if isinstance(each, ast.BinOp | ast.AugAssign) and isinstance(each.op, ast.Add):
            added = (each.left, each.right) if isinstance(each, ast.BinOp) else (each.value,)
            strings = [ast.unparse(part) for part in added if isinstance(part, ast.Constant | ast.JoinedStr)]
            pieces += [text for text in strings if re.match(r"f?['\"].*\w\w", text)]
    assert not pieces


@pytest.mark.parametrize(("count", "told"), [(0, "0 cats"), (1, "a cat"), (2, "2 cats"), (1200, "1,200 cats")])
def test_one_is_spoken_of_otherwise_than_more(count: int, told: str) -> None:
    assert Plural(one="a cat", more="{count} cats").of(count) == told


def test_words_that_are_read_from_the_right_turn_nothing_around_them() -> None:
    turning = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
    assert quote(f"a{turning} cat", 80) == "a cat"
    assert quote("חתול אדום", 80) == "חתול אדום"  # a language is nobody's trick
    job = a_queued_job(f"{turning}cat")
    assert not set(turning) & set(wording.queue_list([job], 7).description or "")


def test_every_flag_that_was_understood_is_said() -> None:
    text = (
        "a cat --strength 0 --seed same --no *fog* --size 16:9 --steps 30 --guidance 7 --scheduler DDIM "
        "--model storybook --style ink --count 2 --mode auto"
    )
    flags = read_flags(text)
    assert wording.understood(flags.changes, flags.seed) == (
        (
            r"Understood: strength 0 · without \*fog\* · size 16:9 · steps 30 · guidance 7 · scheduler DDIM · "
            "model storybook · style ink · count 2 · mode auto · seed same"
        ),
    )
    assert wording.understood({"mode": Mode.INPAINT}, None) == ("Understood: mode inpaint",)
    assert wording.understood({}, None) == ()


def test_lists_read_as_people_write_them() -> None:
    assert listing(()) == ""
    assert listing(("a",)) == "a"
    assert listing(("a", "b", "c")) == "a, b and c"
    assert choice(("a", "b", "c")) == "a, b or c"
    assert choice(("a", "b", "c"), 2) == "a, b or another one"
    assert listing(("a", "b", "c"), limit=2) == "a, b and others"


def drawn_with(*unknown: str) -> Generation:
    environment = Environment(
        device="cpu",
        dtype="float32",
        threads=1,
        batch_size=1,
        model_revision="1",
        versions={},
        unknown_words=unknown,
    )
    return a_generation(recipe=a_recipe(prompt=" ".join(("a red cat", *unknown))).drawn_in(environment))


def test_a_result_names_the_words_that_the_model_does_not_know() -> None:
    generation = drawn_with("dragon", "castle")
    assert wording.result(generation).endswith("\n-# storybook does not know: dragon, castle.")
    assert wording.drawn_in_shell(generation).endswith("\nstorybook does not know: dragon, castle.")
    assert "does not know" not in wording.result(drawn_with()) + wording.drawn_in_shell(drawn_with())


def test_words_that_a_style_has_put_in_are_nothing_for_its_member_to_mend() -> None:
    inked = drawn_with("dragon", "hatching")
    recipe = replace(inked.recipe, prompt="a dragon")
    assert wording.result(replace(inked, recipe=recipe)).endswith("\n-# storybook does not know: dragon.")


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=1500), min_size=7, max_size=300))
def test_unknown_words_take_a_line_however_many_and_long_they_are(words: list[str]) -> None:
    note = wording.result(drawn_with(*words)).splitlines()[-1]
    assert note.startswith("-# storybook does not know: ")
    assert note.endswith(" and others.")
    assert len(note) < 600


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=200))
@settings(max_examples=20)
def test_no_rules_make_a_message_too_long_or_pings_anybody(name: str, words: list[str]) -> None:
    many = range(10**18, 10**18 + 25)
    rules = Rules(
        channels=frozenset(many),
        models=frozenset(f"{name}{number}" for number in many),
        default_model=name,
        words=tuple(words),
        roles={role: Grant(seconds=60.0) for role in many},
        blocked=frozenset(many),
    )
    blocks = [Block(member_id=member, reason=name, at=1.7e9) for member in many]
    usual = Allowance(capacity=600, per_hour=600)
    embed = wording.server_rules(rules, usual=usual, operator=ContentFilter.REFUSE, blocks=blocks)
    assert len(embed) <= 6000
    assert all(len(field.value or "") <= 1024 for field in embed.fields)
    assert not re.search("(?<!\\\\)@(everyone|here)", str(embed.to_dict()))
    for message in (wording.channels_asked(rules), wording.models_asked(rules), wording.showcase_asked(rules)):
        assert len(message) <= wording.CONTENT_LIMIT
    assert len(wording.words_told(rules, wording.EMBED_LIMIT - 100)) <= wording.EMBED_LIMIT
    came = Entry(
        at=1.0, deed=Deed.WORDS, actor_id=1, subject_id=None, detail={"came": words or [name], "went": []}
    )
    block = Entry(at=1.0, deed=Deed.BLOCK, actor_id=1, subject_id=2, detail=200 * "*")
    page = wording.server_log(LogPage(entries=5 * (came, block), older=None, newer=None))
    assert len(page.description or "") <= wording.EMBED_LIMIT


@pytest.mark.parametrize(
    ("deed", "detail", "words"),
    [
        (Deed.CHANNELS, [5, 6], "let pictures be drawn in <#5> and <#6> only"),
        (Deed.CHANNELS, [], "let pictures be drawn in every channel"),
        (Deed.MODELS, ["sdxl"], "let only **sdxl** draw"),
        (Deed.DEFAULT_MODEL, None, "left the first choice to whoever runs this bot"),
        (Deed.STEPS, 30, "set the ceiling of steps to 30"),
        (Deed.SIDE, None, "lifted the ceiling of sizes"),
        (Deed.WORDS, {"came": ["fog"], "went": ["sea"]}, "kept “fog” out of prompts, and let “sea” into"),
        (Deed.CONTENT_FILTER, "refuse", "set flagged pictures to **refuse**"),
        (Deed.SPOILER, True, "made every picture a spoiler"),
        (Deed.SPOILER, False, "let pictures be shown openly"),
        (Deed.SHOWCASE, 5, "set the showcase to <#5>"),
        (
            Deed.ROLES,
            {"role": 7, "grant": [60.0, None]},
            "<@1> let <@&7> draw, with 60 s of drawing time at once",
        ),
        (
            Deed.ROLES,
            {"role": 7, "grant": [60.0, 0.0]},
            "let <@&7> draw, with 60 s of drawing time at once, under a second back every hour",
        ),
        (Deed.ROLES, {"role": 7, "grant": [None, 60.0]}, "with 60 s of drawing time back every hour"),
        (Deed.ROLES, {"role": 7, "grant": [None, None]}, "let <@&7> draw, with the usual allowance"),
        (Deed.ROLES, {"role": 7, "grant": None}, "took <@&7> off the list of roles"),
        (Deed.BLOCK, "spam", "blocked <@2>: spam"),
        (Deed.BLOCK, None, "blocked <@2>"),
        (Deed.UNBLOCK, None, "unblocked <@2>"),
        (Deed.CANCEL, None, "cancelled a picture of <@2>"),
        (Deed.DELETE, None, "deleted a picture of <@2>"),
        (Deed.DELETE, 3, "deleted 3 pictures of <@2>"),
        (Deed.ROLE_GONE, 2, "Easel took a role off the list"),
        (Deed.ROLE_GONE, 0, "everybody may draw"),
        (Deed.NOT_SHOWN, None, "Easel could not post"),
    ],
)
def test_a_log_says_who_did_what(deed: Deed, detail: object, words: str) -> None:
    entry = Entry(at=1.7e9, deed=deed, actor_id=1, subject_id=2, detail=detail)
    line = wording.server_log(LogPage(entries=(entry,), older=None, newer=None)).description
    assert line is not None
    assert words in line
    assert ("<@1>" in line) == (deed not in {Deed.NOT_SHOWN, Deed.ROLE_GONE})
    assert "<t:1700000000:f>" in line


@pytest.mark.parametrize("server", [None, ContentFilter.SPOILER])
def test_where_nothing_looks_no_filter_is_said_to_hold(server: ContentFilter | None) -> None:
    told = wording.content_told(Rules(content_filter=server), ContentFilter.OFF)
    assert told.startswith("Nothing looks for what to flag.")
    assert "stricter" not in told
    assert "spoiler" not in told
    assert "  " not in told


def test_every_deed_has_words() -> None:
    for deed in Deed:
        detail: object = {"came": [], "went": ["a"]} if deed is Deed.WORDS else {"role": 1, "grant": None}
        detail = detail if deed in {Deed.WORDS, Deed.ROLES} else None
        entry = Entry(at=1.0, deed=deed, actor_id=None, subject_id=None, detail=detail)
        assert wording.server_log(LogPage(entries=(entry,), older=None, newer=None)).description
