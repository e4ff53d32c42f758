from pathlib import Path

import pytest

from config.environment import Environment
from config.file_cache import LateFileCache

MAIL_FOLDER = Path("/var/mail of ours/100%")


def read(**values: str) -> Environment:
    return Environment(values)


@pytest.mark.parametrize("word", ["1", "true", "YES", "On"])
def test_words_for_on(word):
    assert read(DEBUG=word).flag("DEBUG", default=False) is True


@pytest.mark.parametrize("word", ["0", "false", "NO", "off"])
def test_words_for_off(word):
    assert read(DEBUG=word).flag("DEBUG", default=True) is False


@pytest.mark.parametrize("default", [True, False, None])
def test_an_unset_or_empty_flag_is_the_default(default):
    assert read().flag("DEBUG", default=default) is default
    assert read(DEBUG=" ").flag("DEBUG", default=default) is default


def test_an_unclear_flag_is_reported_and_the_default_stands():
    env = read(DEBUG="maybe")
    assert env.flag("DEBUG", default=False) is False
    assert [problem.id for problem in env.problems] == ["config.E001"]
    assert "DEBUG is 'maybe', which is not on or off." in env.problems[0].message


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "8000.5", "8 000"])
def test_an_impossible_number_is_reported_with_its_bounds(text):
    env = read(PORT=text)
    assert env.number("PORT", default=8000, most=65_535) == 8000
    assert "a whole number from 1 to 65535" in env.problems[0].message


def test_an_unset_optional_number_means_no_limit():
    assert read().optional_number("SITE_LIMIT") is None
    assert read(SITE_LIMIT="7").optional_number("SITE_LIMIT") == 7


def test_a_list_ignores_blanks_and_empty_parts():
    assert read(HOSTS=" a, b ,,c ").names("HOSTS") == ["a", "b", "c"]
    assert read(HOSTS=" , ").names("HOSTS", default=["x"]) == ["x"]


def test_a_choice_outside_the_list_names_what_there_is():
    env = read(ENVIRONMENT="prod")
    assert env.choice("ENVIRONMENT", choices=("local", "production"), default="local") == "local"
    assert "one of local, production" in env.problems[0].message


@pytest.mark.parametrize("zone", ["Mars", "Europe", "../etc/passwd", "/etc/passwd", "CET+1"])
def test_an_unknown_time_zone_is_reported_and_utc_stands_in(zone):
    env = read(TIME_ZONE=zone)
    assert env.time_zone("TIME_ZONE", default="UTC") == "UTC"
    assert [problem.id for problem in env.problems] == ["config.E005"]


def test_a_value_may_come_from_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("from the file\n")
    assert read(SECRET_KEY_FILE=str(file)).text("SECRET_KEY") == "from the file"


def test_a_missing_value_file_is_reported_by_its_variable(tmp_path):
    env = read(SECRET_KEY_FILE=str(tmp_path / "nothing"))
    assert env.text("SECRET_KEY", default="x") == "x"
    assert "SECRET_KEY_FILE names a file that cannot be read" in env.problems[0].message


@pytest.mark.parametrize(
    "url",
    [
        *(
            "mysql://u:p@h/db",
            "postgres://",
            "postgres://h:notaport/db",
            "nonsense",
            "sqlite://",
            "http://h/db",
        ),
        *("postgres://u@h:70000/db", "postgres://[::1/db"),
    ],
)
def test_a_database_url_that_cannot_work_yields_a_backend_that_refuses(url):
    env = read(DATABASE_URL=url)
    assert env.database("DATABASE_URL")["ENGINE"] == "django.db.backends.dummy"
    assert [problem.id for problem in env.problems] == ["config.E006"]


def test_a_postgresql_url_keeps_its_options():
    found = read(DATABASE_URL="postgres://u:p%40ss@db.example:5433/jobs?sslmode=require").database(
        "DATABASE_URL"
    )
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == (
        "u",
        "p@ss",
        "db.example",
        5433,
    )
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_an_smtp_url_becomes_django_settings():
    found = read(EMAIL_URL="smtp+tls://me:pw@mail.example:587").email("EMAIL_URL", default=MAIL_FOLDER)
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_TLS"]) == ("mail.example", 587, True)


@pytest.mark.parametrize("url", ["carrier-pigeon://coop", "smtp://host:port", "mail.example.com"])
def test_a_mail_url_that_cannot_work_is_reported(url):
    env = read(EMAIL_URL=url)
    assert env.email("EMAIL_URL", default=MAIL_FOLDER)["EMAIL_FILE_PATH"] == str(MAIL_FOLDER)
    assert [problem.id for problem in env.problems] == ["config.E007"]


def test_the_same_fault_is_reported_once():
    env = read(PORT="abc")
    env.number("PORT", default=1)
    env.number("PORT", default=1)
    assert len(env.problems) == 1


def test_an_app_that_does_not_exist_is_named_and_left_out():
    env = read(EXTRA_APPS="django.contrib.sites, no_such_app, tests, django.contrib.sites.apps.SitesConfig")
    assert env.apps("EXTRA_APPS") == [
        *("django.contrib.sites", "tests", "django.contrib.sites.apps.SitesConfig"),
    ]
    assert [problem.id for problem in env.problems] == ["config.E016"]
    assert "'no_such_app'" in env.problems[0].message


def test_a_cache_is_a_folder_unless_a_url_says_otherwise(tmp_path):
    kept_in_files = read().cache("CACHE_URL", default=tmp_path)
    assert (kept_in_files["BACKEND"].rpartition(".")[2], kept_in_files["LOCATION"]) == (
        "CountingFileCache",
        str(tmp_path),
    )
    in_table = read(CACHE_URL="dbcache://cache_table").cache("CACHE_URL", default=tmp_path)
    found = in_table["BACKEND"].rpartition(".")[2], in_table["LOCATION"]
    assert found == ("CountingDatabaseCache", "cache_table")
    elsewhere = read(CACHE_URL="rediscache://127.0.0.1:6379/0").cache("CACHE_URL", default=tmp_path)
    assert "redis" in elsewhere["BACKEND"].lower()
    env = read(CACHE_URL="pigeon://loft")
    assert env.cache("CACHE_URL", default=tmp_path) == kept_in_files
    assert [problem.id for problem in env.problems] == ["config.E017"]


def test_a_cache_in_files_leaves_no_trace_before_something_is_kept(tmp_path):
    cache = LateFileCache(str(tmp_path / "cache"), {})
    assert cache.get("calls") is None
    cache.clear()
    assert list(tmp_path.iterdir()) == []
    assert cache.add("calls", 1)
    assert (cache.incr("calls"), cache.get("calls")) == (2, 2)
