"""The folder for what can be computed or downloaded again: the score store, weights, datasets."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """`ELIQ_BENCH_CACHE`, else `eliq-bench` in `XDG_CACHE_HOME` or in `~/.cache`; not created here."""
    own = os.environ.get("ELIQ_BENCH_CACHE")
    if own:
        return Path(own).expanduser()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification wants a relative or empty path to be ignored.
    return (shared if shared.is_absolute() else Path("~/.cache").expanduser()) / "eliq-bench"
