"""``manage.py up``: everything a small installation needs, in one process tree."""

import fcntl
import socket
import sys
from typing import IO, Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import OperationalError, connection
from gunicorn.arbiter import Arbiter

from config import first_start
from config.children import Child, Family

WEB_THREADS = 4
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})


class Command(BaseCommand):
    help = (
        "Migrates the database, makes the demo company and an administrator on the first start, then runs web server "
        "and worker until it is stopped (Ctrl-C or TERM). Safe to run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        with open(settings.VAR_DIR / "up.lock", "a+", encoding="utf-8") as lock:
            if not self._take(lock):
                return
            refuse_busy_port(settings.HOST, port=settings.PORT)
            password = self._prepare()
            self._greet(password)
            status = Family(
                children=[
                    Child("web server", web_server_command(), fatal_status=Arbiter.WORKER_BOOT_ERROR),
                    Child("worker", [sys.executable, str(settings.BASE_DIR / "manage.py"), "jobworker"]),
                ],
                stop_seconds=settings.JOBQUEUE["STOP_GRACE_SECONDS"] + 10,
                say=self._say,
            ).run()
        if status:
            sys.exit(status)
        self._say("Jobwarden has stopped.")

    def _take(self, lock: IO[str]) -> bool:
        """One ``up`` per VAR_DIR: a second one for the same address has nothing to do, for another it is refused."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            running = lock.read().strip()
            if running == web_address():
                self._say(f"Jobwarden is already running at {running}")
                return False
            raise CommandError(
                f"Jobwarden is already running from {settings.VAR_DIR} at {running or 'another address'}. "
                "Stop it first, or choose another VAR_DIR."
            ) from None
        lock.truncate(0)
        lock.write(web_address())
        lock.flush()
        return True

    def _prepare(self) -> str | None:
        """Brings database and files up to date; returns the administrator's password on the first local start."""
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(
                f"The database does not answer: {error}\nCheck DATABASE_URL and the server."
            ) from None
        call_command("migrate", verbosity=0, interactive=False)
        if settings.PRODUCTION:
            call_command("collectstatic", verbosity=0, interactive=False)
            return None
        if first_start.is_first_start():
            self._say("First start: making the demo company ..." if settings.DEMO else "First start.")
        password = first_start.prepare()
        connection.close()  # the children have their own; this process only watches from here on
        return password

    def _greet(self, password: str | None) -> None:
        self._say(f"Jobwarden starts at {web_address()} (Ctrl-C stops it).")
        place = first_start.password_file()
        if password:
            self._say(f"Sign in as {first_start.ADMINISTRATOR} with password {password}")
            self._say(f"The password is kept in {place}, readable by you only. Change it after signing in.")
        elif place.exists():
            self._say(
                f"Sign in as {first_start.ADMINISTRATOR}; the password of the first start is in {place}."
            )
        else:
            self._say("Sign in with your account. 'manage.py createsuperuser' makes an administrator.")

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def web_address() -> str:
    host = "127.0.0.1" if settings.HOST in EVERY_ADDRESS else settings.HOST
    return f"http://{_bracketed(host)}:{settings.PORT}/"


def web_server_command() -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "config.wsgi:application", "--chdir", str(settings.BASE_DIR)),
        *("--bind", f"{_bracketed(settings.HOST)}:{settings.PORT}", "--preload", "--no-control-socket"),
        *(
            "--workers",
            str(settings.WEB_PROCESSES),
            "--worker-class",
            "gthread",
            "--threads",
            str(WEB_THREADS),
        ),
        *("--graceful-timeout", "10", "--log-level", "warning"),
    ]


def refuse_busy_port(host: str, *, port: int) -> None:
    """Raises ``CommandError`` when the web server could not listen there, before anything is started."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except OSError as error:
        raise CommandError(
            f"The web server cannot listen on {host} port {port}: {error.strerror}. "
            f"Stop what uses it, or choose another port, for example: make up PORT={port + 1}"
        ) from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
