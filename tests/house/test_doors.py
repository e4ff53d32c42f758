"""What a person sees who starts the product with a broken configuration: sentences, an exit status, no traceback."""

import subprocess
import sys

from tests.conftest import ROOT


def test_every_fault_is_listed_with_its_hint(manage, bare_environment):
    ended = manage(
        "check", environment={**bare_environment, "PORT": "abc", "TIME_ZONE": "Mars", "DATABASE_URL": "?"}
    )
    assert ended.returncode == 1
    for id in ("config.E001", "config.E005", "config.E006"):
        assert id in ended.stderr
    assert ended.stderr.count("HINT:") == 3
    assert "Traceback" not in ended.stderr


def test_no_command_works_on_stand_in_values(manage, bare_environment):
    ended = manage("migrate", environment={**bare_environment, "DATABASE_URL": "mysql://root@localhost/jobs"})
    assert ended.returncode == 1
    assert "config.E006" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_production_without_its_secrets_does_not_start(manage, bare_environment, tmp_path):
    ended = manage("up", environment={**bare_environment, "ENVIRONMENT": "production"})
    assert ended.returncode == 1
    for id in ("config.E002", "config.E003", "config.E004", "config.E008"):
        assert id in ended.stderr
    assert list((tmp_path / "var").iterdir()) == [], "no secret was invented"


def test_an_unusable_var_dir_is_a_sentence(manage, bare_environment, tmp_path):
    (tmp_path / "file").touch()
    ended = manage("up", environment={**bare_environment, "VAR_DIR": str(tmp_path / "file")})
    assert ended.returncode == 1
    assert "config.E009" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_web_application_refuses_too(bare_environment):
    ended = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        env={**bare_environment, "WORKERS": "many"},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert ended.returncode == 3, "gunicorn gives up at this status instead of starting it again and again"
    assert "WORKERS is 'many'" in ended.stderr
    assert "Traceback" not in ended.stderr
