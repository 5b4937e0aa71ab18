"""Words with a fixed set of values; apart from the cards, so that the command line shows them without pydantic."""

from typing import Literal

RunProtocol = Literal["zero-shot", "probe"]
"""`zero-shot`: no label is read; `probe`: a ridge from features of the model to the labels of other groups. The two
never share a table."""
Direction = Literal["higher", "lower"]
Supervision = Literal["training-free", "label-free", "preference-trained", "mos-trained"]
Truth = Literal["human opinion", "known degradations"]
Kind = Literal["aigc", "ugc", "synthetic", "own"]
Terms = Literal["open", "academic", "form", "none-stated"]
"""On what terms a dataset is handed out: a licence for any use, research only, a request form, or none in writing."""
JudgedBy = Literal["correlation", "pairs", "both"]
"""What a model is judged by on a dataset: correlation with ratings, agreement with people on pairs of images of one
prompt, or both where images that share a prompt were rated."""
SourceKind = Literal["hub", "http", "git", "drive", "zenodo", "modelscope"]
"""How a source is spoken to; `git` is a tarball of a commit on GitHub."""
Status = Literal["ok", "undefined", "unreadable", "error"]
"""`undefined`: the model has no score for this image; `unreadable`: the file is no image; `error`: a failure
that a rerun tries again."""
