"""Loading a multimodal model, its processor and its adapter. The CUDA paths were not run on a GPU yet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.eliq.critic.mllm.locate import adapter_hash, locate
from eliq_bench.eliq.critic.recipe import MllmRecipe
from eliq_bench.errors import InputError, first_line
from eliq_bench.io.optional import import_extra, silence_loggers

QUESTIONS = Path(__file__).with_name("questions.yaml")


INSTRUCT_FILE = "instruct.json"
"""Beside an adapter: what it was trained from, written by `eliq-bench train-mllm`."""


class Loaded(NamedTuple):
    """A model ready for use; `model` and `processor` are of the class that transformers chose."""

    model: Any
    processor: Any
    image_token: int
    """Id in `input_ids` at every place of an image."""
    identity: dict[str, str]
    """`model` and `revision`, or `weights`; see `locate`."""


def resolve_dtype(dtype: str, device: str) -> str:
    """`auto` is bfloat16 on a GPU, which halves the memory, and float32 on a CPU, which has no fast bfloat16."""
    if dtype != "auto":
        return dtype
    return "bfloat16" if device.startswith("cuda") else "float32"


def load(recipe: MllmRecipe, device: str, dtype: str) -> Loaded:
    """Load the model of a recipe without its adapter, in evaluation mode.

    Args:
        recipe: which model, which revision, which attention.
        device: a torch device; the weights go straight there.
        dtype: name of a torch dtype, or `auto`.

    Raises:
        InputError: not found, not an image-text-to-text model, or a package is missing.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    found = locate(recipe.model, recipe.wanted_revision())
    processors: Any = AutoProcessor  # transformers types neither of them
    model: Any
    with _explained(recipe.model), silence_loggers():
        processor = processors.from_pretrained(found.folder)
        model = AutoModelForImageTextToText.from_pretrained(
            found.folder,
            dtype=getattr(torch, resolve_dtype(dtype, device)),
            attn_implementation=recipe.attention,
            # device_map needs accelerate, which a CPU can do without
            device_map=None if device == "cpu" else {"": device},
        )
    if not hasattr(processor, "tokenizer") or not hasattr(processor, "image_processor"):
        raise InputError(
            f"The processor of {recipe.model} takes no images; choose an image-text-to-text model."
        )
    return Loaded(model.eval(), processor, image_token_of(model.config, recipe.model), found.identity)


def image_token_of(config: Any, name: str) -> int:
    """The id of the token of a piece of an image.

    Raises:
        InputError: the configuration names none, so the places of an image cannot be found.
    """
    for key in ("image_token_id", "image_token_index"):  # the second is its older name
        if isinstance(getattr(config, key, None), int):
            return int(getattr(config, key))
    raise InputError(
        f"The configuration of {name} names no image token, so its image tokens cannot be found; "
        "choose a model that puts image tokens among its text tokens."
    )


def add_adapter(loaded: Loaded, folder: Path, merge: bool) -> Any:
    """The model with a LoRA adapter in it.

    Raises:
        InputError: no adapter there, one of another model, or peft is missing.
    """
    _check_base(loaded, folder)
    peft = import_peft()
    with silence_loggers():
        try:
            adapted = peft.PeftModel.from_pretrained(loaded.model, folder)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"The adapter {folder} does not fit the model: {first_line(error)}.") from error
        return adapted.merge_and_unload() if merge else adapted.get_base_model()


def import_peft() -> Any:
    """The module peft.

    Raises:
        InputError: it is not installed.
    """
    return import_extra("peft", "LoRA adapters need", "train")


def _check_base(loaded: Loaded, folder: Path) -> None:
    adapter_hash(folder)  # raises if the folder holds none
    provenance = folder / INSTRUCT_FILE
    if not provenance.is_file():
        return  # made by other means: nothing to compare with
    base = json.loads(provenance.read_text(encoding="utf-8"))["base"]
    if base != loaded.identity:
        trained, here = (" ".join(one.values()) for one in (base, loaded.identity))
        raise InputError(
            f"The adapter {folder} was trained on the model {trained}, not on {here}; name that model and revision."
        )


@contextmanager
def _explained(model: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise InputError(f"Loading {model} needs another package: {first_line(error)}.") from error
    except (OSError, ValueError, KeyError) as error:
        from transformers import __version__

        raise InputError(
            f"transformers {__version__} cannot load {model} as an image-text-to-text model "
            f"({first_line(error)}); choose another model, or upgrade transformers."
        ) from error
