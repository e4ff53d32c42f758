"""The settings module read anew under other environments, as a process would read it."""

import os
import runpy
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.conftest import ROOT

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 60,
    "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
    "SITE_ID": "acme",
    "ALLOWED_HOSTS": "jobs.example.com",
    "DATABASE_URL": "postgres://jobs@db.example/jobs",
}


@pytest.fixture
def read(monkeypatch, tmp_path):
    def settings(**variables: str) -> dict[str, Any]:
        monkeypatch.setattr("os.environ", {"VAR_DIR": str(tmp_path / "var"), **variables})
        return runpy.run_path(str(ROOT / "config" / "settings.py"))

    return settings


def test_nothing_set_is_a_complete_local_installation(read, tmp_path):
    found = read()
    assert found["CONFIGURATION_PROBLEMS"] == []
    assert (found["HOST"], found["PORT"], found["DEBUG"], found["TIME_ZONE"]) == (
        "127.0.0.1",
        8000,
        False,
        "UTC",
    )
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "var" / "db.sqlite3")
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend"
    assert found["EMAIL_FILE_PATH"] == str(tmp_path / "var" / "mail")
    assert found["JOBQUEUE"]["WORKERS"] == found["Q_CLUSTER"]["workers"] == 2
    assert found["SECRET_KEY"]
    assert len(found["JOBQUEUE"]["CREDENTIAL_KEYS"]) == 1


def test_a_relative_var_dir_lies_in_the_project_wherever_the_process_stands(read, tmp_path):
    relative = os.path.relpath(tmp_path / "elsewhere", ROOT)
    assert read(VAR_DIR=relative)["VAR_DIR"] == ROOT / relative
    assert (tmp_path / "elsewhere").is_dir()


def test_sqlite_waits_for_the_writer_and_never_upgrades_a_read(read):
    options = read()["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 20
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]


def test_postgresql_connections_persist_and_are_checked(read):
    found = read(DATABASE_URL="postgres://u@h/d?sslmode=require")["DATABASES"]["default"]
    assert found["CONN_MAX_AGE"] is None
    assert found["CONN_HEALTH_CHECKS"] is True
    assert found["OPTIONS"] == {"connect_timeout": 10, "sslmode": "require"}


def test_production_is_closed_by_default(read):
    found = read(**PRODUCTION)
    assert found["CONFIGURATION_PROBLEMS"] == []
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["CSRF_COOKIE_SECURE"] is True
    assert found["DEMO"] is False
    assert found["ALLOWED_HOSTS"] == ["jobs.example.com"]
    assert found["SECURE_HSTS_SECONDS"] == 0, "nobody said that TLS is there"
    assert found["SECURE_PROXY_SSL_HEADER"] is None, "a client could forge the header"
    assert "demo_shop" not in found["DATABASES"]
    assert found["LOG_FORMAT"] == "json"


def test_hsts_and_redirect_follow_once_https_is_told(read):
    found = read(**PRODUCTION, HTTPS="on", TRUST_PROXY_HEADERS="on")
    assert found["SECURE_HSTS_SECONDS"] == 31_536_000
    assert found["SECURE_SSL_REDIRECT"] is True
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_reporting_connections_cannot_write(read, tmp_path):
    found = read(REPORTING_DATABASE_URL="postgres://r@h/dw", DEMO="on")
    assert found["DATABASES"]["reporting"]["OPTIONS"]["options"] == "-c default_transaction_read_only=on"
    assert found["DATABASES"]["demo_shop"]["NAME"].endswith("/var/demo/shop.sqlite3?mode=ro")
    assert found["JOBQUEUE"]["SQL_REPORT_ALIASES"] == ["reporting", "demo_shop"]
    assert "default" not in found["JOBQUEUE"]["SQL_REPORT_ALIASES"]


def test_all_faults_are_collected_in_one_reading(read):
    found = read(
        PORT="x", WORKERS="0", DEBUG="?", TIME_ZONE="Mars", DATABASE_URL="x", EMAIL_URL="x", LOG_LEVEL="loud"
    )
    assert sorted(problem.id for problem in found["CONFIGURATION_PROBLEMS"]) == [
        *["config.E001"] * 4,
        "config.E005",
        "config.E006",
        "config.E007",
    ]


def test_signs_in_the_path_of_var_dir_are_taken_literally(read, tmp_path):
    odd = tmp_path / "100% of it? #1"
    found = read(VAR_DIR=str(odd), DEMO="on")
    assert found["DATABASES"]["default"]["NAME"] == str(odd / "db.sqlite3")
    assert found["EMAIL_FILE_PATH"] == str(odd / "mail")
    assert "%25%20of%20it%3F%20%231/demo/shop.sqlite3?mode=ro" in found["DATABASES"]["demo_shop"]["NAME"]
    assert odd.is_dir()
