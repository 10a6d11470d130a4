"""What a picture asks of memory."""

from generation import Mode, Need
from generation.tiles import FACTOR, TILE
from tests.recipes import a_model, a_recipe


def test_need_follows_the_recipe() -> None:
    recipe = a_recipe(width=640, height=512, seeds=(1, 2, 3))

    assert Need.of(recipe, batches=False) == Need(pixels=640 * 512, batch=1)
    assert Need.of(recipe, batches=True) == Need(pixels=640 * 512, batch=3)
    assert Need.of(recipe, batches=False, control=5, detector=7) == Need(
        pixels=640 * 512, batch=1, control=5, detector=7
    )
    assert Need.usual(a_model()) == Need(pixels=512 * 512, batch=1)


def test_an_upscaler_needs_room_for_a_tile_however_large_the_picture_is() -> None:
    recipe = a_recipe(mode=Mode.UPSCALE, width=4096, height=4096, scale=4.0, source="a" * 64, strength=None)

    assert Need.of(recipe, batches=True) == Need(pixels=(TILE * FACTOR) ** 2, batch=1, upscales=True)


def test_what_is_enough_for_one_need_is_enough_for_those_within_it() -> None:
    need = Need(pixels=64, batch=2, control=5)

    assert need.is_within(need)
    assert need.is_within(Need(pixels=128, batch=1, control=6))
    assert not need.is_within(Need(pixels=128, batch=2))
    assert not need.is_within(Need(pixels=127, batch=1, control=5))
    assert not Need(pixels=1, batch=1, detector=2).is_within(Need(pixels=64, batch=1, detector=1))


def test_a_need_is_the_same_once_it_was_written_down() -> None:
    for need in (Need(pixels=64, batch=2), Need(pixels=1, batch=1, upscales=True, control=5, detector=7)):
        assert Need.from_json(need.to_json()) == need
