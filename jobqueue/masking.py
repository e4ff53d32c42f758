"""Secret values in the parameters of jobs, which no log and no answer shows."""

from typing import Any

from jobqueue.history import HIDDEN, SECRET_NAME


def masked(value: Any, name: str = "") -> Any:
    """The value with those of secrets in it replaced; ``name`` is what it is called itself."""
    if name and SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, dict):
        return {key: masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def unmasked(value: Any, *, stored: Any, name: str = "") -> Any:
    """The value with what :func:`masked` hid as it is stored: people send back what they were shown."""
    if value == HIDDEN and name and SECRET_NAME.search(name):
        return stored
    if isinstance(value, dict) and isinstance(stored, dict):
        return {
            key: unmasked(item, stored=stored.get(key, item), name=str(key)) for key, item in value.items()
        }
    if isinstance(value, list) and isinstance(stored, list):
        known = [*stored, *value[len(stored) :]]
        return [unmasked(item, stored=old) for item, old in zip(value, known, strict=False)]
    return value
