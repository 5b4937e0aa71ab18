"""Images with human labels: cards, where their files are, how they are read, and the checks they must pass.

From card to items: `cards` → `locate` (folders) → a reader (labels) → `verify` (refuse a wrong file) → `images` (files
for the rows) → `load` (one `Dataset`) → `subset`. A user's own table starts in `own_table`, images without labels in
`folder`.
"""
