"""Every setting, once: from `EASEL_*` environment variables, else from `easel.toml` here."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.content import ContentFilter
from bot.errors import BadSetting

PREFIX = "EASEL_"


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # "~somebody", and there is no such user
        raise ValueError("there is no such user") from error


class Settings(BaseSettings):
    """What an operator may set. Each field is `EASEL_` and its name in capitals, or its name in `easel.toml`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file="easel.toml", frozen=True, extra="forbid", env_ignore_empty=True
    )

    discord_token: SecretStr | None = Field(
        default=None, description="the bot's token; without one, `easel run` starts the playground"
    )
    discord_api_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+(/.*)?/v\d+/?$",
        description="base of Discord's REST API with its version, such as https://discord.com/api/v10",
    )
    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default=Path("data"), description="where the database, pictures, models and logs are kept"
    )
    model: str = Field(
        default="storybook",
        min_length=1,
        description="the default model: a name of the catalogue, a Hugging Face id, a diffusers folder, or a "
        ".safetensors or .ckpt file",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="where pictures are drawn: `auto`, `cuda`, `cuda:1`, `mps` or `cpu`",
    )
    watermark: bool = Field(
        default=True, description="whether pictures bear the hidden watermark of their model's family"
    )
    content_filter: ContentFilter = Field(
        default=ContentFilter.REFUSE,
        description="what happens to pictures that the model's own safety checker flags: `refuse`, `spoiler`, "
        "`age-restricted` (shown only in channels that Discord restricts to adults) or `off`",
    )
    previews: bool = Field(
        default=True, description="whether a waiting message shows what the picture looks like so far"
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="processor threads that drawing may use, 1 or more; all of them if it is not set",
    )
    memory: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="gigabytes that models may take, of the GPU's memory or else of the computer's, more than 0; "
        "what is free if it is not set",
    )
    allowance_seconds: float = Field(
        default=600.0, gt=0, description="seconds of compute that a member may spend at once, more than 0"
    )
    allowance_per_hour: float = Field(
        default=600.0, ge=0, description="seconds of compute that come back to each member in an hour, 0 or more"
    )
    allowance_grant: float = Field(
        default=4.0,
        ge=1,
        allow_inf_nan=False,
        description="how many times the usual allowance the moderators of a server may grant to a role, 1 or more",
    )
    queue_limit: int = Field(default=200, ge=1, description="jobs that may wait in all, 1 or more")
    queue_limit_each: int = Field(default=20, ge=1, description="jobs of one member that may wait, 1 or more")
    playground_port: int = Field(
        default=8765, ge=0, le=65535, description="port of the playground's page, 0 to 65535"
    )
    health_port: int = Field(
        default=8766, ge=0, le=65535, description="port of /healthz and /metrics, 0 to 65535; 0 is none"
    )
    health_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="address of /healthz and /metrics; 127.0.0.1 is this machine alone",
    )
    log_level: str = Field(
        default="INFO",
        pattern=r"^(DEBUG|INFO|WARNING|ERROR)$",
        description="how much the log tells: DEBUG, INFO, WARNING or ERROR",
    )

    @field_validator("discord_token")
    @classmethod
    def _one_word(cls, value: SecretStr | None) -> SecretStr | None:
        """Without the space around it that a copy brings along; what is left goes into an HTTP header."""
        if value is None:
            return None
        token = value.get_secret_value().strip()
        if re.fullmatch(r"[!-~]+", token) is None:
            raise ValueError("it is one word of ASCII letters, digits and punctuation")
        return SecretStr(token)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("discord_api_url")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        return value if value is None else value.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic-settings passes it by name)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (likewise)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings(**overrides: Any) -> Settings:
    """The settings as they stand now; `overrides` that are not None come from the command line.

    Raises BadSetting, which names the first setting that is wrong.
    """
    import tomllib

    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0])
        known = Settings.model_fields.get(name)
        if known is None:
            reason = "there is no such setting"
        elif first["type"] == "value_error":
            reason = first["msg"].removeprefix("Value error, ")
        else:
            reason = str(known.description)
        raise BadSetting(name, "" if name == "discord_token" else str(first["input"]), reason) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSetting("easel.toml", "", str(error)) from None
