"""The public names: documented, importable, and light until they are used."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from support.runs import TRUTH, make_run, noise

import eliq_bench
from eliq_bench.errors import InputError

ROOT = Path(__file__).parents[1]


def test_the_documentation_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("write_api", ROOT / "tools" / "write_api.py")
    assert spec is not None
    assert spec.loader is not None
    write_api = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(write_api)
    written = write_api.API_FILE.read_text(encoding="utf-8")
    assert written == write_api.api_markdown(), "run: python tools/write_api.py"
    for name in eliq_bench.__all__:
        assert f"## {name}\n" in written


def test_every_public_name_is_what_its_module_defines() -> None:
    assert sorted(eliq_bench._MODULES) == eliq_bench.__all__
    for name in eliq_bench.__all__:
        member = getattr(eliq_bench, name)
        assert member.__name__ == name
        assert callable(member)


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; import eliq_bench; print({'click', 'numpy', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_paths_may_be_strings_and_types_have_defaults(tmp_path: Path) -> None:
    run = str(make_run(tmp_path, steady=TRUTH + noise(1), other=TRUTH + noise(2)))
    assert eliq_bench.Results.load(run).models
    assert eliq_bench.check(run, run).passed
    assert [model.name for model in eliq_bench.compare(run).tables[0].standings]
    Image.new("RGB", (256, 256)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="holds a run"):
        eliq_bench.build_pairs(str(tmp_path), run)
