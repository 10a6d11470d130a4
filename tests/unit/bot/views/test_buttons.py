"""Buttons carry an id and nothing else, and each id is understood by one class only."""

import pytest

from bot.views import ALL_BUTTONS, result_view, retry_view, waiting_view
from bot.views.browsing import PageButton

ID = "abcdefghjk"
NAMES = [f"{ID}.png", f"{ID}-2.png", f"{ID}-4.png"]


def custom_ids() -> list[str]:
    views = (waiting_view(ID), result_view(ID, NAMES), retry_view(ID))
    ids = {item.custom_id for view in views for item in view.children}
    ids |= {f"easel:{kind}:{ID}" for kind in ("show", "drop", "same", "source")}
    ids |= {f"easel:{kind}:{ID}-2" for kind in ("reroll", "vary", "upscale", "edit", "recipe")}
    ids |= {f"easel:offer:{action}" for action in ("from", "again")}
    ids |= {PageButton(".").custom_id, PageButton("o12.0123456789ab").custom_id}
    return sorted(ids)


@pytest.mark.parametrize("custom_id", custom_ids())
async def test_each_button_is_one_classs(custom_id: str) -> None:
    understood = [button for button in ALL_BUTTONS if button.__discord_ui_compiled_template__.fullmatch(custom_id)]
    assert len(understood) == 1
    assert len(custom_id) <= 100


async def test_of_several_pictures_those_that_are_there_can_be_picked() -> None:
    rows: dict[int | None, list[str | None]] = {}
    for item in result_view(ID, NAMES).children:
        rows.setdefault(item.row, []).append(item.item.label)
    assert list(rows.values()) == [
        ["Re-roll", "Vary", "Upscale", "Edit prompt", "Recipe"],
        ["Star", "Delete"],
        ["1", "2", "4"],
    ]
    assert len(result_view(ID, NAMES[:1]).children) == 7


async def test_a_view_outlives_every_timeout() -> None:
    for view in (waiting_view(ID), result_view(ID), retry_view(ID)):
        assert view.timeout is None
        assert view.is_persistent()


@pytest.mark.parametrize("custom_id", ["easel:reroll:", "easel:reroll:../x", "easel:nothing:abc", "other:star:a"])
async def test_what_is_none_of_ours_is_nobodys(custom_id: str) -> None:
    assert not [button for button in ALL_BUTTONS if button.__discord_ui_compiled_template__.fullmatch(custom_id)]
