"""The operator's LoRAs and embeddings are found by the names that prompts give them."""

import hashlib
from pathlib import Path

import pytest

from generation import AdapterKind, Adapters, UnknownChoice
from tests.recipes import a_recipe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "loras/Ink.safetensors",
        "loras/styles/wool v2.safetensors",
        "loras/notes.txt",
        "embeddings/EasyNegative.pt",
        "embeddings/easy.safetensors",
        "embeddings/bad-hands-5.PT",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def found(folder: Path, prompt: str, negative_prompt: str = "") -> list[tuple[AdapterKind, str]]:
    adapters = Adapters(folder).of(a_recipe(prompt=prompt, negative_prompt=negative_prompt))
    return [(adapter.kind, adapter.name) for adapter in adapters]


def test_loras_are_found_by_name_in_any_case_and_in_folders_below(folder: Path) -> None:
    assert found(folder, "a cat <lora:INK:0.5> <lora:wool v2>") == [
        (AdapterKind.LORA, "Ink"),
        (AdapterKind.LORA, "wool v2"),
    ]
    [ink] = Adapters(folder).of(a_recipe(prompt="<lora:ink>"))
    assert Path(ink.path).is_absolute()
    assert ink.sha256 == hashlib.sha256(b"loras/Ink.safetensors").hexdigest()


def test_embeddings_are_found_where_their_names_are_words(folder: Path) -> None:
    easy, negative, hands = ((AdapterKind.EMBEDDING, name) for name in ("easy", "EasyNegative", "bad-hands-5"))
    assert found(folder, "a cat", "easynegative, (bad-hands-5:1.2)") == [negative, hands]
    assert found(folder, "an easy cat, <EASYNEGATIVE>") == [negative, easy]
    assert found(folder, "uneasy cats, easily, bad-hands-50") == []
    assert found(folder, '("easy", "a cat").blend(1, 1)') == [easy]


def test_a_name_that_is_not_there_is_told_with_the_closest_one(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownChoice) as caught:
        found(folder, "<lora:inc>")
    assert (caught.value.argument, caught.value.value, caught.value.closest) == ("LoRA", "inc", "Ink")
    with pytest.raises(UnknownChoice) as caught:
        found(folder, "a cat", "<easynegativ>")
    assert (caught.value.argument, caught.value.closest) == ("embedding", "EasyNegative")
    with pytest.raises(UnknownChoice) as caught:
        found(tmp_path / "nothing", "<lora:ink>")
    assert caught.value.choices == ()


def test_a_file_that_the_operator_puts_there_or_changes_is_seen_at_once(folder: Path) -> None:
    adapters, recipe = Adapters(folder), a_recipe(prompt="new cat")
    assert adapters.of(recipe) == ()
    file = folder / "embeddings" / "new.pt"
    file.write_text("one")
    first = adapters.of(recipe)
    file.write_text("another")
    assert [adapter.sha256 for adapter in (*first, *adapters.of(recipe))] == [
        hashlib.sha256(text).hexdigest() for text in (b"one", b"another")
    ]
