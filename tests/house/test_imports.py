"""The direction of imports (design §2) is a contract, and a broken one is noticed."""

import subprocess
import sysconfig
import tomllib
from pathlib import Path

from django.apps import apps

from tests.conftest import ROOT

LINT_IMPORTS = str(Path(sysconfig.get_path("scripts")) / "lint-imports")


def test_the_house_keeps_its_import_contract():
    ended = subprocess.run([LINT_IMPORTS, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_every_app_is_under_the_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    ours = {
        config.name.split(".")[0] for config in apps.get_app_configs() if Path(config.path).parent == ROOT
    }
    assert ours == set(contract["root_packages"])
