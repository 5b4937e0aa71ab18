"""Backbones by the `kind` that a recipe or a checkpoint names; each is imported when it is asked for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from eliq_bench.eliq.critic.backbone import Backbone
from eliq_bench.eliq.critic.recipe import checked
from eliq_bench.errors import InputError, did_you_mean

KINDS = ("lite", "mllm")


def create_backbone(
    settings: Mapping[str, Any] | BaseModel, device: str = "cpu", dtype: str = "auto"
) -> Backbone:
    """Build the backbone of a recipe or a checkpoint.

    Args:
        settings: its section `backbone`, with `kind` and what that kind takes.
        device: a torch device.
        dtype: name of a torch dtype, or `auto`.

    Raises:
        InputError: unknown kind or settings, or the model cannot be loaded.
    """
    values = settings.model_dump() if isinstance(settings, BaseModel) else dict(settings)
    kind = str(values.get("kind", ""))
    if kind == "mllm":
        from eliq_bench.eliq.critic.mllm.backbone import MllmBackbone

        return MllmBackbone(mllm_recipe(values), device, dtype)
    if kind == "lite":
        from eliq_bench.eliq.critic.lite import LiteBackbone

        unknown = sorted(values.keys() - {"kind"})
        if unknown:
            raise InputError(f"The backbone lite takes no setting {unknown[0]!r}.")
        return LiteBackbone(device, "float32" if dtype == "auto" else dtype)
    raise InputError(f"Unknown backbone {kind!r}; use {' or '.join(KINDS)}.{did_you_mean(kind, list(KINDS))}")


def mllm_recipe(values: Mapping[str, Any]) -> Any:
    """The `MllmRecipe` of a mapping.

    Raises:
        InputError: a setting is unknown or out of its range.
    """
    from eliq_bench.eliq.critic.mllm.load import MllmRecipe

    return checked(MllmRecipe, values, "The recipe", "backbone")
