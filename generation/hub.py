"""Hugging Face's hub: what an id looks like, and what its errors mean for the operator."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from generation.errors import HubUnreachable, ModelUnavailable

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILE_ENDINGS = (".safetensors", ".ckpt", ".pt", ".bin", ".gguf")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_NOT_OURS = {errno.EACCES, errno.EPERM, errno.EROFS}

# The small files that tell what a model is; those after the first are there if its pipeline has that part.
_INDEX, _ALONE = "model_index.json", "config.json"
_CONFIGS = (
    "vae/config.json",
    "scheduler/scheduler_config.json",
    "unet/config.json",
    "transformer/config.json",
)


def is_hub_id(source: str) -> bool:
    """Whether `source` is written like an id on the hub: one slash, and no ending of a weights file."""
    return _ID.fullmatch(source) is not None and not source.endswith(_FILE_ENDINGS)


def fetch_small_files(model: str, hub_id: str, revision: str | None = None) -> Path:
    """A folder with the small files of a hub model: what is on this machine, else fetched.

    Raises ModelUnavailable, which speaks of `model`.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    def all_of_it(*, local: bool) -> Path:
        try:
            found = Path(hf_hub_download(hub_id, _INDEX, revision=revision, local_files_only=local))
        except EntryNotFoundError:
            # What is no whole model, as a ControlNet, has one file that tells what it is.
            return Path(hf_hub_download(hub_id, _ALONE, revision=revision, local_files_only=local)).parent
        there = 0
        for file in _CONFIGS:
            try:
                hf_hub_download(hub_id, file, revision=revision, local_files_only=local)
            except EntryNotFoundError as error:
                if isinstance(error, LocalEntryNotFoundError) and not local:
                    raise  # it is not known whether the hub has it
            else:
                there += 1
        if local and there < len(_CONFIGS) - 1:  # a UNet or a transformer, never both
            raise LocalEntryNotFoundError(f"{hub_id} is not all here")
        return found.parent

    with suppress(LocalEntryNotFoundError):
        return all_of_it(local=True)
    with hub_faults(model, hub_id):
        return all_of_it(local=False)


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
    except errors.HFValidationError as error:
        raise ModelUnavailable(model, f"{hub_id} is no name that Hugging Face gives; check it") from error
    except (OSError, errors.HTTPError) as error:  # type: ignore[attr-defined] # its HTTP client goes by several names
        if getattr(error, "errno", None) in _NO_ROOM:
            raise ModelUnavailable(model, f"the disk is full, and {hub_id} is not all here; make room") from error
        if getattr(error, "errno", None) in _NOT_OURS:
            raise ModelUnavailable(model, f"{hub_id} cannot be kept here: {_first_line(error)}") from error
        raise _unreachable(model, hub_id) from error


def _unreachable(model: str, hub_id: str) -> HubUnreachable:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        fault, advice = "HF_HUB_OFFLINE forbids to fetch it", "unset that once"
    else:
        fault, advice = "Hugging Face cannot be reached", "connect once"
    return HubUnreachable(
        model, f"{hub_id} is not complete on this machine and {fault}; {advice}, or name a folder that holds it"
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
