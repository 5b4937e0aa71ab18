"""Where the checkpoint of a critic is, on this disk or on a hub; imports no torch, so that a misspelt place is told at
once."""

from pathlib import Path

from eliq_bench.errors import InputError, first_line

CHECKPOINT_FILE = "critic.safetensors"


def locate(given: str, offline: bool = False) -> Path:
    """The file of a checkpoint: a path, or the id of a hub repository such as `name/critic`, with `@revision` or not.

    Args:
        given: the path or the id; a folder is that of its `critic.safetensors`.
        offline: open no connection; a repository is then looked for in the hub's cache alone.

    Raises:
        InputError: neither a path nor a repository that can be had.
    """
    if not given:
        raise InputError("No critic is named behind `eliq:`; write eliq:PATH or eliq:OWNER/REPOSITORY.")
    path = Path(given).expanduser()
    if path.exists():
        return path / CHECKPOINT_FILE if path.is_dir() else path
    repository, _, revision = given.partition("@")
    nowhere = InputError(
        f"{given} is neither a file, nor a folder, nor a hub repository like `name/critic`; correct the path or the id."
    )
    if repository.count("/") != 1:
        raise nowhere
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = hf_hub_download(
            repository, CHECKPOINT_FILE, revision=revision or None, local_files_only=offline
        )
    except HFValidationError as error:
        raise nowhere from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        if offline:
            version = f" --revision {revision}" if revision else ""
            raise InputError(
                f"{given} is no path, and {CHECKPOINT_FILE} of the hub repository is not on this machine (offline); "
                f"run `hf download {repository} {CHECKPOINT_FILE}{version}` where there is a network."
            ) from error
        raise InputError(
            f"{given} is no path, and {CHECKPOINT_FILE} cannot be had from the hub repository ({first_line(error)})."
        ) from error
    return Path(found)
