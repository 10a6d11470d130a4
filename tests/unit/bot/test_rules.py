"""What a server's rules let through: the right place and person, and nothing above a ceiling."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import ContentFilter, Display, Showing
from bot.errors import AboveCeiling, Blocked, EaselError, ModelNotHere, OtherChannels, RoleNeeded, WordKeptOut
from bot.place import Viewer
from bot.preferences import Defaults
from bot.rules import NO_RULES, Grant, Rules
from generation import Allowance, Mode, Range, Size, SizeBounds, Use, Words
from tests.recipes import a_model, a_recipe

ART, BOTS, THREAD = 11, 12, 99
ARTISTS, PATRONS, OTHERS = 21, 22, 23
ADA = Viewer(member_id=1, guild_id=10, channel_id=ART, resident=True, roles=frozenset({ARTISTS}))
USUAL = Allowance(capacity=600, per_hour=300)


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        (Rules(blocked=frozenset({1})), Blocked),
        (Rules(channels=frozenset({BOTS})), OtherChannels),
        (Rules(roles={PATRONS: Grant()}), RoleNeeded),
    ],
)
def test_a_member_is_held_to_place_and_roles_and_a_moderator_is_not(
    rules: Rules, refused: type[EaselError]
) -> None:
    with pytest.raises(refused):
        rules.check_viewer(ADA)
    rules.check_viewer(replace(ADA, moderator=True))
    rules.check_viewer(replace(ADA, member_id=2, channel_id=BOTS, roles=frozenset({ARTISTS, PATRONS})))


def test_a_thread_and_a_category_are_the_channels_that_they_belong_to() -> None:
    in_thread = replace(ADA, channel_id=THREAD, within=frozenset({ART, BOTS}))
    Rules(channels=frozenset({ART})).check_viewer(in_thread)
    with pytest.raises(OtherChannels):
        Rules(channels=frozenset({13})).check_viewer(in_thread)


@pytest.mark.parametrize(
    ("recipe", "refused"),
    [
        (a_recipe(model="sdxl"), ModelNotHere),
        (a_recipe(num_inference_steps=31), AboveCeiling),
        (a_recipe(width=264, height=64), AboveCeiling),
        (a_recipe(width=64, height=264), AboveCeiling),
        (a_recipe(prompt="a FOG bank"), WordKeptOut),
        (
            a_recipe(prompt="a {fog|sea}", words=(Words(text="a sea", prompt="a sea", negative_prompt=""),)),
            WordKeptOut,
        ),
        (a_recipe(words=(Words(text="a cat", prompt="a cat in fog", negative_prompt=""),)), WordKeptOut),
    ],
)
def test_what_is_outside_the_rules_is_refused(recipe: object, refused: type[EaselError]) -> None:
    rules = Rules(models=frozenset({"storybook"}), steps=30, side=256, words=("fog",))
    rules.check(a_recipe(num_inference_steps=30, width=256, height=256, negative_prompt="fog"))
    with pytest.raises(refused):
        rules.check(recipe)  # type: ignore[arg-type]
    NO_RULES.check(recipe)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "prompt",
    [
        "a fo()g bank",
        "fo[]g",
        "(f:1)(o:1)(g:1)",
        "a fo(g:1.0)",
        "a fo<lora:x:1>g bank",
        "<lora:fog:1> a cat",
        '("a fo()g bank", "a cat").blend(0.5, 0.5)',
        "a red (fox:1.2)",
        "red BREAK fox",
        "a (red fox:1.3)",
    ],
)
def test_the_grammar_of_prompts_hides_no_word(prompt: str) -> None:
    rules = Rules(words=("fog", "red fox"))
    words = (Words(text=prompt, prompt=f"{prompt}, a drawing", negative_prompt=""),)
    for recipe in (a_recipe(prompt=prompt), a_recipe(prompt="{a|b}", words=words)):
        with pytest.raises(WordKeptOut):
            rules.check(recipe)


@pytest.mark.parametrize("prompt", ["a (red:1.2) [big] fox", "f(o:1.2)ggy", "(fo) g", "a cat [foggy", "[fo|g]"])
def test_the_grammar_of_prompts_makes_no_word(prompt: str) -> None:
    Rules(words=("fog", "red fox")).check(a_recipe(prompt=prompt))


def test_which_model_enlarges_is_no_matter_of_the_rules() -> None:
    rules = Rules(models=frozenset({"storybook"}))
    rules.check(a_recipe(mode=Mode.UPSCALE, model="lanczos"))
    assert rules.allows(a_model(name="lanczos", can=(Use.UPSCALE,)))
    assert not rules.allows(a_model(name="sdxl"))


def test_no_role_brings_more_than_the_operator_has_servers_grant() -> None:
    most = USUAL.times(2)
    assert Grant(seconds=1e9, per_hour=1e9).within(most) == Grant(seconds=most.capacity, per_hour=most.per_hour)
    assert Grant(seconds=1.0).within(most) == Grant(seconds=1.0)


@pytest.mark.parametrize(
    ("held", "capacity", "per_hour"),
    [
        (set(), 600, 300),
        ({OTHERS}, 600, 300),
        ({ARTISTS}, 60, 0),
        ({PATRONS}, 600, 3600),
        ({ARTISTS, PATRONS}, 600, 3600),
    ],
)
def test_of_several_roles_the_most_generous_counts(held: set[int], capacity: float, per_hour: float) -> None:
    rules = Rules(roles={ARTISTS: Grant(seconds=60, per_hour=0), PATRONS: Grant(per_hour=3600)})
    allowance = rules.allowance(replace(ADA, roles=frozenset(held)), USUAL)
    assert allowance == Allowance(capacity=capacity, per_hour=per_hour)


@given(
    st.integers(1, 200),
    st.integers(1, 2000),
    st.integers(64, 1024),
    st.integers(64, 1024),
    st.sampled_from([1, 8, 64]),
)
def test_whatever_a_model_does_by_itself_keeps_to_the_ceilings(
    steps: int, side: int, width: int, height: int, grid: int
) -> None:
    native = Size(width=width // grid * grid, height=height // grid * grid)
    bounds = SizeBounds(native=native, grid=grid, minimum=64, maximum=1024, trained=(Size(width=1024, height=64),))
    model = a_model(size=bounds, steps=Range.of(2, 25, 150))
    lowered = Rules(steps=steps, side=side).lowered(model)
    assert 2 <= lowered.steps.default <= lowered.steps.maximum <= max(2, steps)
    for shape in ((1, 1), (2, 3), (21, 9)):
        size = lowered.size.shaped(*shape)
        assert max(size.width, size.height) <= max(64, side)
        assert size.width % grid == size.height % grid == 0
    assert max(lowered.size.native.width, lowered.size.native.height) <= max(64, side)
    assert NO_RULES.lowered(model) is model


def test_a_members_own_defaults_are_lowered_and_keep_their_shape() -> None:
    model = a_model()
    rules = Rules(steps=20, side=512)
    eased = rules.eased(Defaults(num_inference_steps=50, size="1024x768"), model)
    assert eased == Defaults(num_inference_steps=20, size="512x384")
    for within in (Defaults(num_inference_steps=10, size="256x256"), Defaults(), Defaults(size="nonsense")):
        assert rules.eased(within, model) == within


@pytest.mark.parametrize("operator", ContentFilter)
@pytest.mark.parametrize("server", [None, *ContentFilter])
@pytest.mark.parametrize("age_restricted", [False, True])
def test_a_server_is_never_milder_than_the_operator(
    operator: ContentFilter, server: ContentFilter | None, age_restricted: bool
) -> None:
    order = list(Showing)
    both = Display(operator=operator, server=server).of_flagged(age_restricted=age_restricted)
    each = [
        Showing.of_flagged(one, age_restricted=age_restricted) for one in (operator, server) if one is not None
    ]
    assert order.index(both) == max(map(order.index, each))
    covered = Display(operator=operator, server=server, covered=True).of_flagged(age_restricted=age_restricted)
    assert covered is (Showing.COVERED if both is Showing.PLAIN else both)
