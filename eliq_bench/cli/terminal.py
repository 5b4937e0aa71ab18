"""What the commands print, as text that cannot steer the terminal."""

import click

from eliq_bench.io.escape import spelt_out


def echo(text: str, err: bool = False, nl: bool = True) -> None:
    """Print lines, invisible signs in them spelt out: names come from files and servers.

    Args:
        text: one line or several.
        err: on standard error.
        nl: with a line feed behind.
    """
    click.echo(spelt_out(text, keep="\n\t"), err=err, nl=nl)
