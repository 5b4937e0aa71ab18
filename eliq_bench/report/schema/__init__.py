"""JSON Schemas of the files that eliq-bench writes; `python -m eliq_bench.report.schema` renews them."""
