"""What a recipe says about the multimodal model behind the critic; imports neither torch nor transformers."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_MODEL = "Qwen/Qwen3-VL-4B-Instruct"
DEFAULT_REVISION = "ebb281ec70b05090aa6165b016eac8ec08e71b17"
QUESTIONS = Path(__file__).with_name("questions.yaml")


class MllmRecipe(BaseModel):
    """Section `backbone` of a recipe, kind `mllm`. All of it is our choice: the paper tells no backbone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mllm"] = "mllm"
    model: str = DEFAULT_MODEL
    """Id on the Hugging Face hub, or a local folder."""
    revision: str | None = None
    """Commit, branch or tag on the hub; a recipe should pin a commit. None takes the pinned default model's
    commit, or the main branch of any other."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    """Attention implementation of transformers; the second and third need what transformers says they need."""
    image_options: dict[str, Any] = {}
    """Passed to the image processor of the model, such as the limits of its size."""
    layers: Annotated[tuple[int, ...], Field(min_length=1)] = (-1,)
    """Hidden states that become semantic tokens: 0 is the input of the first layer, k the output of layer k,
    -1 the last, after the final norm."""
    join: Literal["mean", "concat"] = "mean"
    """How the hidden states of several layers become one token."""
    max_tokens: int | None = Field(None, ge=1)
    """Most tokens kept of an image; more are averaged over neighbours in the image. None keeps all."""
    adapter: str | None = None
    """Folder of a LoRA adapter, as `eliq-bench instruct` writes it."""
    merge_adapter: bool = True
    """Add the adapter to the weights (faster, rounded to their dtype) instead of computing it beside them."""
    batch: int = Field(8, ge=1)
    """Images per forward pass; changes speed and memory, not what is computed."""

    def wanted_revision(self) -> str | None:
        """The revision to load from the hub; None for the main branch."""
        return DEFAULT_REVISION if self.revision is None and self.model == DEFAULT_MODEL else self.revision
