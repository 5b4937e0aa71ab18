"""Leaderboards: one JSON file per dataset is the truth; markdown and the HTML page are rendered from it.

| module | what it holds |
|---|---|
| `board` | the schema of the file, loading and saving |
| `admission` | what may enter a board, and the sentence for what may not |
| `add` | a run into a board: merged, then every statistic of the board computed again |
| `compute`, `views` | from scores and labels to the tables of a board |
| `published` | values that others published, for the column beside ours |
| `says`, `cells` | what a table says in words, and its cells as text |
| `markdown` | a board as markdown, and the index |
| `page`, `axis`, `detail` | the HTML page: tables, their common axis, data for its plots |
| `folder` | rendering all boards of a folder, and the comparison with what is committed |
"""
