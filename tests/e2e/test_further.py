"""More of a picture that is there: neighbours, larger and wider ones, parts drawn anew; and what menus do."""

import json

import numpy as np
import pytest
from PIL import Image

from bot.playground import Interaction, Message, Person, Upload
from tests.e2e.conftest import answer_of, draw, generation_id, images, png, result_after, seen_by
from tests.e2e.test_drawing import a_landscape, distance, exactly

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def result_of(person: Person, asked: Interaction, seen: set[int]) -> Message:
    await person.acknowledged(asked, 3)
    return await result_after(person, seen)


def halves(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    middle = image.width // 2
    return image.crop((0, 0, middle, image.height)), image.crop((middle, 0, *image.size))


def right_half_white(size: tuple[int, int] = (256, 256)) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, (size[0] // 2, 0, *size))
    return mask


async def test_neighbours_are_nearer_the_smaller_the_amount_and_differ_from_each_other(ada: Person) -> None:
    result = await draw(ada, "a red house in a meadow", seed="3", steps=8)
    [original] = images(ada, result)
    distances = []  # usually: where a picture stands between two others, a small step is enough for another one
    for amount in (0.1, 0.6):
        seen = seen_by(ada)
        row = await result_of(ada, ada.slash("vary", id=generation_id(result), amount=amount), seen)
        neighbours = images(ada, row)
        assert len({exactly(each) for each in [original, *neighbours]}) == 5
        assert f"variation {amount}" in row.text
        distances.append(np.median([distance(each, original) for each in neighbours]))
    assert distances[0] < 0.6 * distances[1]
    seen = seen_by(ada)
    nearer = await result_of(ada, ada.slash("vary", id=f"{generation_id(row)}-3", amount=0.0), seen)
    assert exactly(images(ada, nearer)[0]) == exactly(neighbours[2])  # not the first picture, but its neighbour


async def test_the_vary_button_of_a_picked_picture_is_about_that_one(ada: Person) -> None:
    result = await draw(ada, "a blue boat", seed="20", count=2, steps=6)
    first, second = images(ada, result)
    picked = await ada.answer(ada.press(result, "2"))
    assert [attachment.filename for attachment in picked.attachments] == [f"{generation_id(result)}-2.png"]
    assert exactly(images(ada, picked)[0]) == exactly(second)
    assert "seed 21" in picked.text
    seen = seen_by(ada)
    row = images(ada, await result_of(ada, ada.press(picked, "Vary"), seen))
    assert len(row) == 4
    assert np.mean([distance(each, second) for each in row]) < np.mean([distance(each, first) for each in row])
    seen = seen_by(ada)
    again = await result_of(ada, ada.press(picked, "Re-roll"), seen)
    assert len(again.attachments) == 1
    recipe = await answer_of(ada, ada.press(picked, "Recipe"))
    assert "seed: 21" in recipe.text


async def test_what_grows_to_the_right_keeps_the_pixels_it_had(ada: Person, linus: Person) -> None:
    result = await draw(ada, "a red house in a meadow", seed="3", steps=8)
    [old] = images(ada, result)
    seen = seen_by(linus)
    grown = await result_of(linus, linus.slash("outpaint", id=generation_id(result), direction="right"), seen)
    [wide] = images(linus, grown)
    assert (wide.width, wide.height) == (old.width * 3 // 2, old.height)
    kept = np.asarray(wide.crop((0, 0, *old.size)), np.int16) - np.asarray(old, np.int16)
    assert np.abs(kept).mean() < 2.5  # the watermark of the larger picture
    added = np.asarray(wide.crop((old.width, 0, *wide.size)))
    assert added.std() > 5  # something is drawn there
    assert "a red house in a meadow" in grown.text
    seen = seen_by(ada)
    stranger = await result_of(ada, ada.slash("outpaint", image=png(a_landscape()), direction="up"), seen)
    [high] = images(ada, stranger)
    assert high.height > high.width


async def test_a_blend_lies_between_its_two_pictures_nearer_the_one_that_counts_more(ada: Person) -> None:
    first, second = Image.new("RGB", (128, 128), "#d02020"), Image.new("RGB", (160, 160), "#2020d0")
    blended = []
    for amount in (0.1, 0.9):
        seen = seen_by(ada)
        asked = ada.slash("blend", image1=png(first, "a.png"), image2=png(second, "b.png"), amount=amount)
        blended.append(await result_of(ada, asked, seen))
    [near], [far] = (images(ada, each) for each in blended)
    assert near.width == near.height
    assert distance(near, first) < distance(far, first)
    assert distance(far, second) < distance(near, second)
    seen = seen_by(ada)
    again = await result_of(ada, ada.slash("reroll", id=generation_id(blended[0]), seed="same"), seen)
    assert exactly(images(ada, again)[0]) == exactly(near)


async def test_inpainting_keeps_what_the_mask_shows_black(ada: Person) -> None:
    source = a_landscape()
    result = await draw(
        ada, "space", image=png(source), mask=png(right_half_white(), "mask.png"), steps=8, seed="1"
    )
    [image] = images(ada, result)
    left, right = halves(image.resize(source.size))
    kept, before = halves(source)
    assert distance(left, kept) < 0.02
    assert distance(right, before) > 0.08
    seen = seen_by(ada)
    again = await result_of(ada, ada.slash("reroll", id=generation_id(result), seed="same"), seen)
    assert exactly(images(ada, again)[0]) == exactly(image)


async def test_transparent_parts_are_the_mask_where_inpainting_is_asked_for(ada: Person) -> None:
    source = a_landscape().convert("RGBA")
    source.putalpha(right_half_white().point(lambda value: 255 - value))
    result = await draw(ada, "space", image=png(source), mode="inpaint", steps=8, seed="1")
    left, _ = halves(images(ada, result)[0].resize(source.size))
    assert distance(left, halves(a_landscape())[0]) < 0.02
    assert "transparent" in result.text
    seen = seen_by(ada)
    me = ada.scene.world.application.user.id
    ada.send(f"<@{me}> space --mode inpaint --steps 8 --seed 1", files=[png(source)])
    replied = await result_after(ada, seen)
    assert exactly(images(ada, replied)[0]) == exactly(images(ada, result)[0])


async def test_a_weaker_strength_stays_closer_to_the_source(ada: Person) -> None:
    source = a_landscape()
    near, far = [
        images(ada, await draw(ada, "a red house", image=png(source), strength=strength, steps=10, seed="5"))[0]
        for strength in (0.2, 0.8)
    ]
    assert distance(near, source) < 0.6 * distance(far, source)


async def test_upscaling_says_what_did_it_and_keeps_the_picture(ada: Person) -> None:
    result = await draw(ada, "a red house", seed="4")
    [small] = images(ada, result)
    seen = seen_by(ada)
    larger = await result_of(ada, ada.slash("upscale", id=generation_id(result), scale=2.0), seen)
    [large] = images(ada, larger)
    assert large.size == (2 * small.width, 2 * small.height)
    assert distance(large, small) < 0.02
    assert "Lanczos" in larger.text
    seen = seen_by(ada)
    pressed = await result_of(ada, ada.press(result, "Upscale"), seen)
    assert images(ada, pressed)[0].width == 4 * small.width
    seen = seen_by(ada)
    again = await result_of(ada, ada.press(larger, "Re-roll"), seen)
    assert images(ada, again)[0].size == large.size
    seen = seen_by(ada)
    asked = ada.slash("upscale", image=png(a_landscape()), scale=1.5, prompt="fields below the sky")
    upload = await result_of(ada, asked, seen)
    assert images(ada, upload)[0].size == (384, 384)
    assert distance(images(ada, upload)[0], a_landscape()) < 0.02
    assert "fields below the sky" in upload.text


async def test_the_menu_of_a_message_makes_its_picture_larger(ada: Person, linus: Person) -> None:
    posted = linus.send("mine", files=[png(a_landscape().resize((96, 64)), "mine.png")])
    seen = seen_by(ada)
    larger = await result_of(ada, ada.context_menu(posted, "Upscale"), seen)
    assert images(ada, larger)[0].size == (384, 256)


async def test_use_as_source_shows_the_picture_and_draws_from_it(ada: Person, linus: Person) -> None:
    posted = linus.send("mine", files=[png(a_landscape(), "mine.png")])
    offer = await ada.answer(ada.context_menu(posted, "Use as source"))
    assert offer.only_for == ada.user.id
    assert exactly(images(ada, offer)[0]) == exactly(a_landscape())
    opened = ada.press(offer, "Draw from it")
    await ada.modal(opened)
    seen = seen_by(ada)
    typed = {"What should it become?": "a blue house", "Strength": "0.3", "Settings": "--steps 8 --seed 4"}
    refused = await answer_of(ada, ada.submit_modal(opened, typed))
    assert "--seed has no place among the settings" in refused.text
    opened = ada.press(offer, "Draw from it")
    await ada.modal(opened)
    asked = ada.submit_modal(opened, typed | {"Settings": "--steps 8"})
    drawn = await result_of(ada, asked, seen)
    assert distance(images(ada, drawn)[0], a_landscape()) < 0.2
    assert "strength 0.3" in drawn.text


async def test_a_recipe_in_a_picture_is_offered_and_drawn_again(ada: Person, linus: Person) -> None:
    result = await draw(ada, "a yellow sun over the sea", seed="31", steps=6)
    [attachment] = result.attachments
    file = Upload(filename="found-somewhere.png", data=ada.download(attachment))
    posted = linus.send("look", files=[file])
    offer = await linus.answer(linus.context_menu(posted, "Use as source"))
    assert "a yellow sun over the sea" in offer.text
    seen = seen_by(linus)
    again = await result_of(linus, linus.press(offer, "Draw its recipe again"), seen)
    assert exactly(images(linus, again)[0]) == exactly(images(ada, result)[0])
    shown = await linus.answer(linus.context_menu(posted, "Show recipe"))
    assert "a yellow sun over the sea" in shown.text
    assert "seed 31" in shown.text
    own = await linus.answer(linus.context_menu(result, "Show recipe"))
    assert "seed: 31" in own.text
    described = await linus.answer(linus.context_menu(posted, "Describe"))
    assert "It was drawn from" in described.text


async def test_what_tells_nothing_is_answered_honestly(ada: Person, linus: Person) -> None:
    posted = linus.send("mine", files=[png(a_landscape(), "mine.png")])
    for menu in ("Show recipe", "Describe"):
        answer = await ada.answer(ada.context_menu(posted, menu))
        assert "tell" in answer.text
    answer = await ada.answer(ada.slash("describe", image=png(a_landscape())))
    assert "Nothing is installed here that puts pictures into words" in answer.text
    empty = linus.send("no picture at all")
    answer = await ada.answer(ada.context_menu(empty, "Use as source"))
    assert "holds no picture" in answer.text


async def test_verify_tells_a_picture_of_ones_own_from_a_private_one_and_a_strange_one(
    ada: Person, linus: Person
) -> None:
    result = await draw(ada, "a *grey* mouse", steps=2, private=True)
    own = Upload(filename="mouse.png", data=ada.download(result.attachments[0]))
    for person, known in ((ada, True), (linus, False)):
        answer = await person.answer(person.slash("verify", image=own))
        watermark, recipe, records = answer.text.split("\n")
        assert "StableDiffusionV1" in watermark
        assert "grey" in recipe
        assert (generation_id(result) in records) == known
    answer = await ada.answer(ada.slash("verify", image=png(a_landscape())))
    assert "nothing tells that it was made here" in answer.text
    answer = await ada.answer(ada.slash("verify", image=Upload(filename="a.png", data=b"no picture")))
    assert "a.png" in answer.text


async def test_edit_prompt_takes_the_settings_that_were_changed(ada: Person) -> None:
    result = await draw(ada, "a green tree", seed="2", steps=4)
    opened = ada.press(result, "Edit prompt")
    modal = json.dumps(await ada.modal(opened))
    assert "--steps 4" in modal
    seen = seen_by(ada)
    edited = await result_of(
        ada, ada.submit_modal(opened, {"Prompt": "a red tree", "Settings": "--steps 6 --size 160x128"}), seen
    )
    assert images(ada, edited)[0].size == (160, 128)
    recipe = await answer_of(ada, ada.press(edited, "Recipe"))
    assert "steps: 6" in recipe.text
    assert "seed: 2" in recipe.text


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("imagine", {"prompt": "a cat", "mode": "depth"}, "made for it: sd-2-depth"),
        ("imagine", {"prompt": "a cat", "mode": "inpaint"}, "starts from a picture"),
        ("imagine", {"prompt": "a cat", "mode": "inpaint", "image": png(a_landscape())}, "a mask shows white"),
        (
            "imagine",
            {"prompt": "a cat", "image": png(a_landscape()), "mask": png(Image.new("L", (256, 256), 0), "m.png")},
            "nothing white",
        ),
        (
            "imagine",
            {"prompt": "a cat", "image": png(a_landscape()), "mask": png(right_half_white((256, 128)), "m.png")},
            "a mask needs the shape of its picture",
        ),
        ("upscale", {}, "Which picture?"),
        ("vary", {"id": "nobodyknows"}, "no picture with the id"),
        ("outpaint", {"id": "nobodyknows", "direction": "left"}, "no picture with the id"),
    ],
    ids=[
        "depth",
        "no image",
        "no mask",
        "black mask",
        "other shape",
        "neither",
        "vary unknown",
        "outpaint unknown",
    ],
)
async def test_what_cannot_be_is_one_sentence(
    ada: Person, command: str, options: dict[str, object], words: str
) -> None:
    answer = await answer_of(ada, ada.slash(command, **options))
    assert words in answer.text


async def test_every_flag_of_a_reply_says_what_is_drawn(ada: Person, linus: Person) -> None:
    posted = linus.send("mine", files=[png(a_landscape(), "mine.png")])
    flags = {
        "strength": ("0.4", "strength: 0.4"),
        "seed": ("77", "seed: 77, 78"),
        "no": ("fog, rain", "negative_prompt: fog, rain"),
        "steps": ("5", "steps: 5"),
        "guidance": ("2.5", "guidance: 2.5"),
        "scheduler": ("Euler", "scheduler: Euler"),
        "model": ("storybook", "model: storybook"),
        "style": ("ink", "style: ink"),
        "count": ("2", "prompt: a castle"),
        "mode": ("image", "mode: image"),
        "size": ("4:3", "size: "),
    }
    me = ada.scene.world.application.user.id
    typed = " ".join(f"--{flag} {value}" for flag, (value, _) in flags.items())
    seen = seen_by(ada)
    ada.send(f"<@{me}> a castle {typed}", reply_to=posted)
    drawn = await result_after(ada, seen)
    pictures = images(ada, drawn)
    assert "Understood: strength 0.4 · without fog, rain · steps 5 · guidance 2.5" in drawn.text
    assert len(pictures) == 2
    assert pictures[0].width > pictures[0].height
    recipe = await answer_of(ada, ada.press(drawn, "Recipe"))
    assert [told for _, told in flags.values() if told not in recipe.text] == []


async def test_the_seed_of_a_reply_is_kept_new_or_a_saved_one(ada: Person) -> None:
    result = await draw(ada, "a red house", seed="41")
    await ada.answer(ada.slash("seed save", name="mellow", seed="42"))
    for seed, told in (("same", "seed 41 "), ("mellow", "seed 42 "), ("new", "seed ")):
        seen = seen_by(ada)
        ada.send(f"a blue house --strength 0.5 --steps 4 --seed {seed}", reply_to=result)
        redrawn = await result_after(ada, seen)
        assert told in redrawn.text
    assert "seed 41 " not in redrawn.text
    await ada.answer(ada.slash("seed delete", name="mellow"))


def redness(image: Image.Image) -> float:
    """How much redder than green and blue a picture is on average."""
    red, green, blue = np.moveaxis(np.asarray(image, np.float64), 2, 0)
    return float(np.clip(red - np.maximum(green, blue), 0, None).mean())


async def test_what_a_reply_keeps_out_is_less_of_the_picture(ada: Person) -> None:
    me = ada.scene.world.application.user.id
    reds = []
    for words in ("", " --no red"):
        seen = seen_by(ada)
        text = f"<@{me}> a red house in a meadow{words} --strength 0.9 --steps 8 --count 2 --seed 6"
        ada.send(text, files=[png(a_landscape())])
        reds.append(np.mean([redness(each) for each in images(ada, await result_after(ada, seen))]))
    assert reds[1] < reds[0]


async def test_what_describe_told_is_drawn_by_its_button(ada: Person) -> None:
    result = await draw(ada, "a yellow sun over the sea", seed="8")
    described = await ada.answer(ada.context_menu(result, "Describe"))
    assert "a yellow sun over the sea" in described.text
    seen = seen_by(ada)
    drawn = await result_of(ada, ada.press(described, "Draw"), seen)
    assert "a yellow sun over the sea" in drawn.text
    assert exactly(images(ada, drawn)[0]) != exactly(images(ada, result)[0])


async def test_an_unknown_mode_in_a_reply_is_named(ada: Person) -> None:
    me = ada.scene.world.application.user.id
    said = ada.send(f"<@{me}> a cat --mode dept", files=[png(a_landscape())])
    answer = await ada.message(lambda message: message.id > said.id and "did you mean" in message.text)
    assert "did you mean depth" in answer.text
