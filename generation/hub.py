"""Hugging Face's hub: what an id looks like, and what its errors mean for the operator."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from generation.errors import ModelUnavailable

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILE_ENDINGS = (".safetensors", ".ckpt")


def is_hub_id(source: str) -> bool:
    """Whether `source` is written like an id on the hub: one slash, and no ending of a weights file."""
    return _ID.fullmatch(source) is not None and not source.endswith(_FILE_ENDINGS)


@contextmanager
def hub_faults(model: str, hub_id: str) -> Iterator[None]:
    """Turn what the hub's client raises while it fetches `hub_id` into ModelUnavailable."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelUnavailable(
            model, f"{hub_id} asks for an agreement; accept it on its page and run `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelUnavailable(
            model, f"Hugging Face has no model {hub_id} that you may see; check the name, or run `hf auth login`"
        ) from error
    except (errors.EntryNotFoundError, errors.RevisionNotFoundError) as error:
        # Not found here, after the hub could not be asked, is the same class as not found there.
        if isinstance(error, errors.LocalEntryNotFoundError):
            raise _unreachable(model, hub_id) from error
        raise ModelUnavailable(model, f"{hub_id} is not a diffusers model: {_first_line(error)}") from error
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined] # its HTTP client goes by several names
        raise _unreachable(model, hub_id) from error


def _unreachable(model: str, hub_id: str) -> ModelUnavailable:
    return ModelUnavailable(
        model,
        f"{hub_id} is not complete on this machine and Hugging Face cannot be reached; "
        "connect once, or name a folder that holds it",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
