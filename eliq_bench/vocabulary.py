"""Words with a fixed set of values, free of imports that cost time."""

from typing import Literal

RunProtocol = Literal["zero-shot", "probe"]
"""`zero-shot`: no label is read; `probe`: a ridge from features of the model to the labels of other groups. The two
never share a table."""
Direction = Literal["higher", "lower"]
Supervision = Literal["training-free", "label-free", "preference-trained", "mos-trained"]
Status = Literal["ok", "undefined", "unreadable", "error"]
"""`undefined`: the model has no score for this image; `unreadable`: the file is no image; `error`: a failure
that a rerun tries again."""
NO_PROMPT = "the item has no prompt"
"""The reason beside a score that is `undefined` since its model had to read one."""
Truth = Literal["human opinion", "known degradations"]
Kind = Literal["aigc", "ugc", "synthetic", "own"]
