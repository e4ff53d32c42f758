"""Secret values in the parameters of jobs, which no log and no answer shows."""

from typing import Any

from jobqueue.history import HIDDEN, SECRET_NAME


def masked(value: Any, name: str = "") -> Any:
    if name and SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, dict):
        return {key: masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value
