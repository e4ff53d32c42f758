"""Secrets of an installation: given in the environment, or made once and kept in VAR_DIR for nobody but the owner."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

from config.environment import Environment


def new_secret_key() -> str:
    return secrets.token_urlsafe(48)


def new_credential_key() -> str:
    """A Fernet key: 32 random bytes, base64."""
    return Fernet.generate_key().decode()


def kept_once(path: Path, *, make: Callable[[], str]) -> str:
    """The text in ``path``; made and written with mode 0600 when the file does not exist.

    Two processes starting at once agree: the file is linked into place complete, and whoever is second reads the first
    one's. It is on the disk before anybody uses it: in a power failure, what it has encrypted would outlive it. Raises
    ``OSError`` when the folder cannot be written or the file cannot be read.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
            _flush_folder(path.parent)
    return path.read_text(encoding="utf-8").strip()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def secret_key(env: Environment, *, var_dir: Path, production: bool) -> str:
    """Django's SECRET_KEY; in production only from the environment, because all hosts must share it."""
    given = env.text("SECRET_KEY")
    if given:
        return given
    if production:
        env.report(
            "config.E002",
            message="SECRET_KEY is not set, and production does not invent one.",
            hint="Set SECRET_KEY (or SECRET_KEY_FILE) to a long random text, the same on every host. Make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"',
        )
        return new_secret_key()
    return _generated(env, path=var_dir / "secret_key", make=new_secret_key)


def credential_keys(env: Environment, *, var_dir: Path, production: bool) -> list[str]:
    """Fernet keys of stored credentials: the first encrypts, all decrypt; a new key is put in front of the old ones."""
    given = env.names("CREDENTIAL_KEYS")
    if not given and production:
        env.report(
            "config.E008",
            message="CREDENTIAL_KEYS is not set; stored credentials could not be decrypted on another host.",
            hint="Set CREDENTIAL_KEYS (or CREDENTIAL_KEYS_FILE) to a Fernet key, one for all hosts. Make one with: "
            'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
        )
        return [new_credential_key()]
    keys = given or _generated(env, path=var_dir / "credential_keys", make=new_credential_key).split(",")
    for position, key in enumerate(keys, start=1):
        if not _is_fernet_key(key):
            env.report(
                "config.E008",
                message=f"Key {position} of CREDENTIAL_KEYS is not a Fernet key (32 bytes in URL-safe base64).",
                hint="Remove it or restore the right one; credentials encrypted with a lost key must be entered again.",
            )
    return keys


def _generated(env: Environment, *, path: Path, make: Callable[[], str]) -> str:
    try:
        return kept_once(path, make=make)
    except (OSError, UnicodeDecodeError) as error:
        env.report(
            "config.E009",
            message=f"VAR_DIR cannot be used: {error}.",
            hint="Set VAR_DIR to a folder this user may read and write.",
        )
        return make()


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
