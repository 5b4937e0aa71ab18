"""Leaderboards: one JSON file per dataset is the truth; markdown and the HTML page are rendered from it.

| module | what it holds |
|---|---|
| `board` | the schema of the file, loading and saving |
| `admission` | what may enter a board, and why a run is refused |
| `add` | adding a run: merged, then every statistic of the board computed again |
| `compute` | from scores and labels to the tables of a board |
| `cells` | columns and cells of a table, and values that others published |
| `summary` | a table summarised in sentences |
| `markdown` | a board as markdown, and the index |
| `page`, `detail` | the HTML page, and the data of its plots |
| `folder` | rendering all boards of a folder, and the comparison with the committed files |
"""
