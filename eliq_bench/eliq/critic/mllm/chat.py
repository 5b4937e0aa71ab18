"""Chats with images as inputs of a model, for any processor of transformers."""

from collections.abc import Mapping, Sequence
from typing import Any

from eliq_bench.eliq.critic.backbone import RGB

Messages = list[dict[str, Any]]
"""A chat as transformers has it: role and content, where images are `{"type": "image"}`."""


def text(content: str) -> dict[str, str]:
    """A piece of text of a message."""
    return {"type": "text", "text": content}


IMAGE = {"type": "image"}


def control_tokens(processor: Any) -> list[str]:
    """Texts that the tokenizer reads as something other than text, the image token among them."""
    tokens = {str(token) for token in processor.tokenizer.added_tokens_decoder.values()}
    return sorted(token for token in tokens if token.strip())


def plain(prompt: str, control: Sequence[str]) -> str:
    """A prompt without control tokens: none of its words may pass for an image or end the message."""
    for token in control:
        prompt = prompt.replace(token, " ")
    return prompt


def render(processor: Any, chat: Messages, answer_next: bool = False) -> str:
    """A chat in the words of the model's own template, up to where the answer begins if `answer_next`."""
    return str(processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=answer_next))


def model_inputs(
    processor: Any, texts: Sequence[str], images: Sequence[Sequence[RGB]], options: Mapping[str, Any]
) -> Any:
    """Tensors of B rendered chats with their images, a mapping that the model takes as keyword arguments.

    Padded at the end: a causal model never attends there, and positions count from the first token, so that a
    chat gets the same numbers alone and in a batch, whatever side its tokenizer would pad.

    Args:
        processor: of the model.
        texts: B rendered chats.
        images: the images of each, as many as its image tokens, (H, W, 3).
        options: for the image processor.
    """
    from PIL import Image

    return processor(
        text=list(texts),
        images=[[Image.fromarray(image) for image in one] for one in images],
        return_tensors="pt",
        # a chat template writes the special tokens itself
        text_kwargs={"padding": True, "padding_side": "right", "add_special_tokens": False},
        images_kwargs=dict(options),
    )
