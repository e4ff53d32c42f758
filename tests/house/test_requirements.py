import re
import tomllib

import pytest

from tests.conftest import ROOT

FILES = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_is_pinned_with_hashes(name):
    text = re.sub(r"\\\n", "", (ROOT / name).read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+(\[[^]]*\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("name", FILES)
def test_no_requirement_names_an_index_or_a_place(name):
    text = (ROOT / name).read_text()
    assert not re.search(r"://|file:|^\s*--(?!hash)", text, re.MULTILINE)


def test_the_files_agree_with_each_other():
    runtime, dev, bench = (pins(name) for name in FILES)
    assert runtime.items() <= dev.items() <= bench.items()


def test_what_the_project_declares_is_pinned():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = declared["optional-dependencies"]
    for name, wanted in zip(FILES, (declared["dependencies"], extras["dev"], extras["bench"]), strict=True):
        names = {re.match(r"[a-z0-9-]+", line)[0] for line in wanted}
        assert names <= pins(name).keys()
