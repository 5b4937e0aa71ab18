"""The regression gate: a run compared with a baseline, item by item and row by row.

| module | what it holds |
|---|---|
| `baseline` | the committed file: rows and the score of every item, self-contained |
| `findings` | the typed report |
| `revision` | whether it is the same benchmark: protocol, items, labels, image contents |
| `rows` | one model on one dimension: drift, coverage, drop of SRCC |
| `gate` | the whole check, its verdict, and the report as markdown |
"""
