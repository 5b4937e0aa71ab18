"""What went wrong when a pipeline was to be had from the Hub, as one sentence with its id and what to do."""

from collections.abc import Iterator

from eliq_bench.errors import InputError, first_line


def refusal(error: Exception, given: str, revision: str | None) -> InputError:
    """The error to show in place of one of the Hub's client.

    Args:
        error: what the client raised; what explains it may stand further down in its causes.
        given: id of the pipeline.
        revision: branch, tag or commit that was asked for; None for the newest.
    """
    from huggingface_hub import errors

    sentences: tuple[tuple[type[Exception], str], ...] = (
        (
            errors.HFValidationError,
            f"The pipeline {given} is neither a folder here nor an id on the Hub like owner/name; correct the path or "
            "the id.",
        ),
        # Before the next: the Hub's client counts a gated repository as one that was not found.
        (
            errors.GatedRepoError,
            f"The pipeline {given} is gated: ask for access at https://huggingface.co/{given}, then log in with "
            "`hf auth login` and start again.",
        ),
        (
            errors.RepositoryNotFoundError,
            f"The Hub has no pipeline {given} that you may see; correct the id, or log in with `hf auth login` if it "
            "is private.",
        ),
        (
            errors.RevisionNotFoundError,
            f"The pipeline {given} has no revision {revision} on the Hub; give a branch, tag or commit of it.",
        ),
        (
            errors.RemoteEntryNotFoundError,
            f"{given} on the Hub is no pipeline of diffusers, a file of it is missing ({first_line(error)}); choose "
            "another.",
        ),
        (
            errors.OfflineModeIsEnabled,
            f"The pipeline {given} is not wholly on this machine, and HF_HUB_OFFLINE forbids to download it; unset "
            f"it, or run `hf download {given}` first.",
        ),
    )
    causes = list(_causes(error))
    for cause in causes:
        for kind, sentence in sentences:
            if isinstance(cause, kind):
                return InputError(sentence)
    return InputError(
        f"The pipeline {given} cannot be had from the Hub ({first_line(causes[-1])}); see that there is a network and "
        f"room on the disk and start again, or run `hf download {given}` where there is one and give its folder."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
