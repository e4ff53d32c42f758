import pytest
from django.conf import settings
from django.core.checks import run_checks

from config.environment import Problem


def found() -> dict[str, str]:
    return {fault.id: fault.hint for fault in run_checks(tags=["house"])}


def test_the_installation_under_test_is_well_configured():
    assert found() == {}


def test_problems_of_the_environment_become_errors_with_hints(settings):
    settings.CONFIGURATION_PROBLEMS = [Problem("config.E001", "PORT is 'x'.", "Correct it.")]
    assert found() == {"config.E001": "Correct it."}


def test_a_var_dir_under_a_file_is_refused(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.VAR_DIR = tmp_path / "file" / "var"
    assert "config.E009" in found()


def test_a_connection_pool_is_refused(monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", {"pool": True})
    assert "CONN_MAX_AGE" in found()["config.E010"]


@pytest.mark.parametrize(
    ("change", "id"),
    [
        ({"broker_class": None}, "config.E011"),
        ({"broker_class": "django_q.brokers.orm.ORM"}, "config.E011"),
        ({"scheduler": True}, "config.E012"),
        ({"timeout": 60, "retry": 60}, "config.E013"),
        ({"timeout": None}, "config.E013"),
        ({"timeout": 5.5}, "config.E013"),
        ({"timeout": 0}, "config.E013"),
        ({"guard_cycle": 0.1}, "config.E014"),
    ],
)
def test_a_task_engine_that_would_lose_or_repeat_work_is_refused(settings, change, id):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, **change}
    assert list(found()) == [id]


def test_production_names_everything_that_is_missing(settings):
    settings.PRODUCTION, settings.SITE_ID, settings.ALLOWED_HOSTS, settings.DEBUG = True, "", [], True
    assert {"config.E003", "config.E004", "config.E015"} <= set(found())


def test_production_warns_of_what_works_but_should_not_stay(settings, tmp_path, monkeypatch):
    settings.PRODUCTION, settings.HTTPS, settings.STATIC_ROOT = True, None, tmp_path
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    assert {"config.W001", "config.W002", "config.W003", "config.W004"} <= set(found())


def test_the_broker_named_by_the_settings_exists():
    from django.utils.module_loading import import_string

    assert import_string(settings.Q_CLUSTER["broker_class"])
