"""A page that shows pairs: positives beside their negatives, in one HTML file that needs no network."""

from eliq_bench.eliq.pairs.page.choose import Choice
from eliq_bench.eliq.pairs.page.write import write_page

__all__ = ["Choice", "write_page"]
