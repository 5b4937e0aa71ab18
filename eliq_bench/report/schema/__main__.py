"""Write the schemas of results.json and of leaderboards as the code has them now."""

import json
from pathlib import Path

from pydantic import BaseModel

from eliq_bench.report.leaderboard.board import BOARD_VERSION, Board
from eliq_bench.report.results import SCHEMA_VERSION, Results

PUBLISHED: dict[str, type[BaseModel]] = {
    f"results-{SCHEMA_VERSION}.json": Results,
    f"leaderboard-{BOARD_VERSION}.json": Board,
}

for name, model in PUBLISHED.items():
    path = Path(__file__).parent / name
    path.write_text(json.dumps(model.model_json_schema(), indent=1) + "\n", encoding="utf-8")
