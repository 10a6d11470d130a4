"""Settings come from the environment, else from easel.toml, and a wrong one is named."""

from pathlib import Path

import pytest

from bot.errors import BadSetting
from bot.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"EASEL_{name.upper()}", raising=False)


def test_everything_has_a_default(tmp_path: Path) -> None:
    settings = read_settings()
    assert settings.discord_token is None
    assert settings.data_dir == tmp_path / "data"
    assert settings.model == "storybook"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "easel.toml").write_text('model = "sd-1.5"\ndevice = "cpu"\n')
    monkeypatch.setenv("EASEL_MODEL", "sdxl")
    settings = read_settings()
    assert (settings.model, settings.device) == ("sdxl", "cpu")


def test_the_command_line_wins_over_both_and_none_is_nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_MODEL", "sdxl")
    assert read_settings(model="storybook").model == "storybook"
    assert read_settings(model=None).model == "sdxl"


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_DISCORD_TOKEN", "")
    assert read_settings().discord_token is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device", "abacus"),
        ("queue_limit", "none"),
        ("queue_limit", "0"),
        ("allowance_seconds", "-5"),
        ("allowance_seconds", "nan"),
        ("discord_api_url", "discord.com"),
        ("playground_port", "99999"),
        ("memory", "0"),
        ("memory", "inf"),
        ("log_level", "LOUD"),
        ("data_dir", "~nobody-of-that-name/easel"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"EASEL_{name.upper()}", value)
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert refused.value.name == name
    assert refused.value.value == value


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "easel.toml").write_text('modle = "sdxl"\n')
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert refused.value.name == "modle"


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "easel.toml").write_text("model = \n")
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert refused.value.name == "easel.toml"


def test_the_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_DISCORD_TOKEN", "very-secret")
    assert "very-secret" not in repr(read_settings())


def test_a_file_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "easel.toml").write_text('model = "sd-1.5"\n', "utf-16")
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert refused.value.name == "easel.toml"


def test_the_space_around_a_copied_token_is_not_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_DISCORD_TOKEN", " a.b-c_d \n")
    token = read_settings().discord_token
    assert token is not None
    assert token.get_secret_value() == "a.b-c_d"


@pytest.mark.parametrize("token", ["two words", "two\nlines", "naïve", " "])
def test_a_token_that_no_header_could_carry_is_refused_unseen(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASEL_DISCORD_TOKEN", token)
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert refused.value.name == "discord_token"
    assert refused.value.value == ""
