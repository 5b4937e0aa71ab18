"""The photographs that scikit-image ships inside its wheel, with captions written by hand for the ladder."""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from eliq_bench.errors import InputError


class Photograph(NamedTuple):
    """One source photograph: its file in `skimage/data` and what can truthfully be said about it.

    `matching` captions are true; a `partly` caption is the first one with a single fact changed.
    """

    name: str
    file: str
    matching: tuple[str, str]
    partly: tuple[str, str]


PHOTOGRAPHS = (
    Photograph(
        "astronaut",
        "astronaut.png",
        (
            "a smiling woman astronaut in an orange space suit in front of a flag",
            "portrait of an astronaut with short hair holding her white helmet, a model of a space shuttle behind her",
        ),
        (
            "a smiling woman astronaut in a green space suit in front of a flag",
            "a smiling woman astronaut in an orange space suit in front of a waterfall",
        ),
    ),
    Photograph(
        "camera",
        "camera.png",
        (
            "a man in a dark coat looks through a camera on a tripod on a lawn",
            "black and white photograph of a cameraman at work outdoors, tall buildings far away",
        ),
        (
            "a man in a dark coat looks through a camera on a tripod on a beach",
            "two men in dark coats look through a camera on a tripod on a lawn",
        ),
    ),
    Photograph(
        "coffee",
        "coffee.png",
        (
            "a cup of espresso on a red saucer with a spoon on a wooden table",
            "coffee in a small white cup standing on a dark red plate, seen from above",
        ),
        (
            "a cup of espresso on a blue saucer with a spoon on a wooden table",
            "a cup of espresso on a red saucer with a fork on a wooden table",
        ),
    ),
    Photograph(
        "chelsea",
        "chelsea.png",
        (
            "close-up of the face of a tabby cat with green eyes",
            "a ginger striped cat with long whiskers looks past the camera",
        ),
        (
            "close-up of the face of a black cat with green eyes",
            "close-up of the face of a tabby cat with closed eyes",
        ),
    ),
    Photograph(
        "rocket",
        "rocket.jpg",
        (
            "a white rocket stands on a lit launch pad at dusk",
            "launch site in the evening with a tall rocket between lattice towers and bright lamps",
        ),
        (
            "a black rocket stands on a lit launch pad at dusk",
            "a white rocket stands on a lit launch pad at noon",
        ),
    ),
    Photograph(
        "motorcycle",
        "motorcycle_left.png",
        (
            "a red motorcycle parked in a garage in front of shelves",
            "a motorbike with a red tank and chrome engine beside a wooden bench indoors",
        ),
        (
            "a yellow motorcycle parked in a garage in front of shelves",
            "a red bicycle parked in a garage in front of shelves",
        ),
    ),
    Photograph(
        "coins",
        "coins.png",
        (
            "four rows of ancient coins on a dark background",
            "black and white photograph of twenty-four old coins with heads and figures on them",
        ),
        (
            "four rows of ancient coins on a white tablecloth",
            "two rows of ancient coins on a dark background",
        ),
    ),
    Photograph(
        "hubble",
        "hubble_deep_field.jpg",
        (
            "hundreds of distant galaxies scattered over black space",
            "deep field of a space telescope with countless small coloured galaxies",
        ),
        (
            "two distant galaxies scattered over black space",
            "hundreds of distant galaxies scattered over pink space",
        ),
    ),
    Photograph(
        "retina",
        "retina.jpg",
        (
            "the orange-red retina of an eye with branching blood vessels",
            "medical photograph of the back of an eye, a round orange disk on black",
        ),
        (
            "the blue retina of an eye with branching blood vessels",
            "the orange-red retina of an eye without any blood vessels",
        ),
    ),
    Photograph(
        "tissue",
        "ihc.png",
        (
            "microscope image of tissue stained brown with small blue cell nuclei",
            "histology slide with brown glands on a pale background",
        ),
        (
            "microscope image of tissue stained green with small blue cell nuclei",
            "microscope image of tissue stained brown with small red cell nuclei",
        ),
    ),
    Photograph(
        "brick",
        "brick.png",
        (
            "a surface of long grey bricks with light joints",
            "black and white photograph of brickwork in regular rows",
        ),
        (
            "a surface of round grey bricks with light joints",
            "a surface of long blue bricks with light joints",
        ),
    ),
    Photograph(
        "grass",
        "grass.png",
        (
            "a lawn with blades of grass and a few small leaves, seen from above",
            "black and white photograph of grass on the ground",
        ),
        (
            "a lawn with blades of grass and a few small daisies, seen from above",
            "a lawn with blades of grass and a few large pumpkins, seen from above",
        ),
    ),
    Photograph(
        "gravel",
        "gravel.png",
        (
            "a bed of grey gravel made of many small angular stones",
            "black and white photograph of crushed stone covering the ground",
        ),
        (
            "a bed of grey gravel made of many small sea shells",
            "a bed of bright red gravel made of many small angular stones",
        ),
    ),
    Photograph(
        "moon",
        "moon.png",
        (
            "the grey surface of the moon with a few craters",
            "a plain on the moon photographed from orbit, small craters and a dark rough patch",
        ),
        (
            "the grey surface of the moon with a few footprints",
            "the green surface of the moon with a few craters",
        ),
    ),
)
"""Real photographs only: no drawings, no stereo twin, nothing that is blurred already. All are in the wheels
of scikit-image 0.24 to 0.26."""


def photograph_file(photograph: Photograph) -> Path:
    """Where the installed scikit-image keeps the photograph; scikit-image itself is not imported.

    Raises:
        InputError: scikit-image or the file is missing.
    """
    spec = find_spec("skimage")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / photograph.file
        if path.is_file():
            return path
    raise InputError(
        f"The photograph {photograph.file} of the ladder dataset is not here; "
        f"reinstall it with: pip install --force-reinstall scikit-image"
    )
