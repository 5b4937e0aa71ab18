"""The regression gate: a run held against a baseline, item by item and row by row.

| module | what it holds |
|---|---|
| `baseline` | the file that a repository keeps: rows and the score of every item, self-contained |
| `findings` | what a check may find, and the typed report |
| `revision` | is it the same benchmark: protocol, items, labels, image contents |
| `rows` | one model on one dimension: drift, coverage, drop of SRCC |
| `gate` | all of it, and the verdict |
| `text` | the report as markdown |
"""
