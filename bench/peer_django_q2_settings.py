"""Settings of bare django-q2: its ORM broker at its best, storing every result."""

import os

import environ

SECRET_KEY = "benchmark only"
INSTALLED_APPS = ["django.contrib.contenttypes", "django_q"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {**environ.Env.db_url_config(os.environ["DATABASE_URL"]), "CONN_MAX_AGE": None}}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
Q_CLUSTER = {
    "name": "bench",
    "orm": "default",
    "workers": 2,
    "bulk": 1,
    "save_limit": 0,
    "poll": 0.2,
    "timeout": 60,
    "retry": 600,
    "scheduler": False,
    "log_level": "WARNING",
}
