"""A run as it is kept: typed records, Parquet tables, the run folder, JSON Schemas."""
