"""`python -m eliq_bench` is `eliq-bench`."""

from eliq_bench.cli import main

main()
