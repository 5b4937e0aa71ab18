"""The public names: documented, importable, and light until they are used."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import eliq_bench

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
