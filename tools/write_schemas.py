"""Write the JSON Schemas of results.json and of leaderboards."""

import json
from pathlib import Path

from pydantic import BaseModel

import eliq_bench
from eliq_bench.leaderboard.board import BOARD_VERSION, Board
from eliq_bench.results.records import SCHEMA_VERSION, Results

PUBLISHED: dict[str, type[BaseModel]] = {
    f"results/results-{SCHEMA_VERSION}.json": Results,
    f"leaderboard/leaderboard-{BOARD_VERSION}.json": Board,
}

for name, model in PUBLISHED.items():
    path = Path(eliq_bench.__file__).parent / name
    path.write_text(json.dumps(model.model_json_schema(), indent=1) + "\n", encoding="utf-8")
