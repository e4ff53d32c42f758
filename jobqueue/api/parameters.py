"""Typed parameters in answers and bodies: values whose name says that they are secret go in and never come out."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from jobqueue.errors import Invalid, Problem
from jobqueue.history import HIDDEN, SECRET_NAME
from jobqueue.masking import masked

HELP = (
    f"By name; the job object's parameters_schema describes them. Values of secrets are shown as “{HIDDEN}”, and "
    "sending that back keeps them."
)


class ParametersField(serializers.DictField):
    """An object of names and values; shown without its secrets."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"help_text": HELP} | kwargs)

    def to_representation(self, value: Any) -> Any:
        return masked(super().to_representation(value))


def with_secrets_kept(values: Mapping[str, Any], *, of: Any = None) -> dict[str, Any]:
    """The written values; where ``parameters`` hold what secrets are shown as, the secret stored in ``of`` is meant.

    ``of`` is the entry or monitored job the values are for. Another object is not handed its secrets. Raises
    ``Invalid`` where there is none.
    """
    if values.get("parameters") is None:
        return dict(values)
    same = of is not None and all(
        values.get(name, getattr(of, name)) == getattr(of, name) for name in ("object_type", "object_id")
    )
    return {**values, "parameters": _kept(values["parameters"], of.parameters if same else {}, "parameters")}


def _kept(value: Any, stored: Any, place: str, name: str = "") -> Any:
    if value == HIDDEN and SECRET_NAME.search(name):
        if stored is None:
            sentence = f"“{HIDDEN}” stands for a secret that is stored, and none is. Send the value itself."
            raise Invalid([Problem(place, "no_secret_stored", sentence)])
        return stored
    if isinstance(value, dict):
        old = stored if isinstance(stored, Mapping) else {}
        return {key: _kept(item, old.get(key), f"{place}.{key}", str(key)) for key, item in value.items()}
    return value
