from pathlib import Path

import pytest

from eliq_bench.datasets.images import ImageMatch, Place, find_images
from eliq_bench.errors import InputError


def put(top: Path, *names: str, content: bytes = b"x") -> None:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)


def relative(found: ImageMatch, top: Path) -> list[str | None]:
    return [None if image is None else image.relative_to(top).as_posix() for image in found.images]


@pytest.mark.parametrize("folder", ["", "images/", "img/", "all/", "Images/", "AGIQA-3K/agi-cgi/"])
def test_any_layout_is_found(folder: str, tmp_path: Path) -> None:
    put(tmp_path, f"{folder}a.jpg", f"{folder}b.jpg")
    found = find_images(["a.jpg", "b.jpg"], [Place(tmp_path)])
    assert relative(found, tmp_path) == [f"{folder}a.jpg", f"{folder}b.jpg"]


def test_images_may_be_spread_over_folders(tmp_path: Path) -> None:
    put(tmp_path, "training/1.jpg", "test/2.jpg")
    assert relative(find_images(["1.jpg", "2.jpg"], [Place(tmp_path)]), tmp_path) == [
        "training/1.jpg",
        "test/2.jpg",
    ]


def test_names_are_compared_without_case(tmp_path: Path) -> None:
    put(tmp_path, "i01_01_1.bmp", "ss02 (1014).JPG")
    found = find_images(["I01_01_1.bmp", "ss02 (1014).jpg"], [Place(tmp_path)])
    assert relative(found, tmp_path) == ["i01_01_1.bmp", "ss02 (1014).JPG"]


def test_equal_case_is_preferred(tmp_path: Path) -> None:
    put(tmp_path, "A.png", content=b"long")
    put(tmp_path, "a.png")
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system has no case")
    assert relative(find_images(["a.png", "A.png"], [Place(tmp_path)]), tmp_path) == ["a.png", "A.png"]


def test_folders_in_a_name_tell_equal_file_names_apart(tmp_path: Path) -> None:
    put(tmp_path, "Image/DALLE3/001.png", "Image/Infinity/001.png")
    names = ["Infinity/001.png", "DALLE3/001.png", "LWM/001.png"]
    assert relative(find_images(names, [Place(tmp_path)]), tmp_path) == [
        "Image/Infinity/001.png",
        "Image/DALLE3/001.png",
        None,
    ]


def test_a_flattened_mirror_is_followed_where_names_allow_it(tmp_path: Path) -> None:
    put(tmp_path, "1600.AWGN.1.png")
    found = find_images(["AWGN/1600.AWGN.1.png"], [Place(tmp_path)])
    assert relative(found, tmp_path) == ["1600.AWGN.1.png"]


def test_a_single_file_never_serves_two_names(tmp_path: Path) -> None:
    put(tmp_path, "other/001.png")
    assert find_images(["a/001.png", "b/001.png"], [Place(tmp_path)]).images == (None, None)


def test_two_resolutions_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "512x384/1.jpg", content=b"small")
    put(tmp_path, "1024x768/1.jpg", content=b"not so small")
    with pytest.raises(InputError, match=r"1\.jpg exists in different versions, in .*1024x768 and .*512x384"):
        find_images(["1.jpg"], [Place(tmp_path)])
    chosen = find_images(["1.jpg"], [Place(tmp_path / "512x384", named=False), Place(tmp_path)])
    assert relative(chosen, tmp_path) == ["512x384/1.jpg"]


def test_copies_are_no_conflict(tmp_path: Path) -> None:
    put(tmp_path, "T2I/All/1.jpg", "T2I/MJ/1.jpg")
    assert relative(find_images(["1.jpg"], [Place(tmp_path)]), tmp_path) == ["T2I/All/1.jpg"]


def test_images_without_label_are_told_but_not_those_of_other_folders(tmp_path: Path) -> None:
    put(tmp_path, "images/a.jpg", "images/stranger.jpg", "references/r.png", "images/readme.txt")
    assert find_images(["a.jpg"], [Place(tmp_path)]).extra == ("stranger.jpg",)


def test_a_foreign_folder_needs_half_of_the_names(tmp_path: Path) -> None:
    names = ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    put(tmp_path, "holiday/1.jpg")
    place = Place(tmp_path, named=False)
    assert not any(find_images(names, [place]).images)
    put(tmp_path, "holiday/2.jpg")
    assert sum(image is not None for image in find_images(names, [place]).images) == 2


def test_hidden_files_are_no_images(tmp_path: Path) -> None:
    put(tmp_path, "._a.jpg", ".thumbs/a.jpg")
    assert find_images(["a.jpg", "._a.jpg"], [Place(tmp_path)]).images == (None, None)


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    put(tmp_path, "real/a.jpg")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "images").symlink_to(tmp_path / "real")
    (tmp_path / "set" / "loop").symlink_to(tmp_path / "set")
    assert find_images(["a.jpg"], [Place(tmp_path / "set")]).images == (
        tmp_path / "set" / "images" / "a.jpg",
    )


def test_the_first_place_with_images_wins(tmp_path: Path) -> None:
    put(tmp_path, "one/a.jpg", "two/a.jpg")
    places = [Place(tmp_path / "none"), Place(tmp_path / "two"), Place(tmp_path / "one")]
    assert relative(find_images(["a.jpg"], places), tmp_path) == ["two/a.jpg"]
