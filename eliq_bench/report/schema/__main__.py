"""Write the schema of results.json as the code has it now."""

import json
from pathlib import Path

from eliq_bench.report.results import SCHEMA_VERSION, Results

path = Path(__file__).parent / f"results-{SCHEMA_VERSION}.json"
path.write_text(json.dumps(Results.model_json_schema(), indent=1) + "\n", encoding="utf-8")
