"""Creating and changing companies: for administrators; what concerns all companies, for those limited to none."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.models import Company, CompanyMember
from jobqueue.permissions import require

WRITTEN = ("name", "time_zone")


def create_company(values: Mapping[str, Any], *, actor: Actor) -> Company:
    """Stores a new company: ``code`` and ``name``, perhaps ``time_zone`` and ``is_default``. Raises ``Invalid``."""
    require(actor, "administer")
    _require_unlimited(actor)
    company = Company(code=str(values.get("code", "")).strip())
    sentence = f"There is a company {company.code} already. Choose another code."
    taken = Invalid([Problem("code", "taken", sentence)])
    same = Company.objects.filter(code__iexact=company.code)
    try:
        with transaction.atomic():
            if same.exists():
                raise taken
            return _store(company, values)
    except IntegrityError:
        if not same.exists():
            raise
        raise taken from None  # somebody else made it in this moment


def change_company(company: Company, values: Mapping[str, Any], *, actor: Actor) -> Company:
    """Changes name, time zone, and whether the company is the default; its code is in addresses and stays."""
    require(actor, "administer", company)
    wanted = values.get("is_default", company.is_default)
    if wanted != company.is_default:
        _require_unlimited(actor)
        if not wanted:
            sentence = "One company is the default. Mark another one instead."
            raise Invalid([Problem("is_default", "one_default", sentence)])
    with transaction.atomic():
        return _store(company, values)


def add_member(company: Company, user: Any, *, actor: Actor) -> CompanyMember:
    """Limits a user to the company, beside others that list it; a member already, nothing is changed."""
    require_all_companies(actor)
    return CompanyMember.objects.select_related("user").get_or_create(company=company, user=user)[0]


def remove_member(member: CompanyMember, *, actor: Actor) -> None:
    """Takes a user off the company's members; whom no company lists any more works in every one."""
    require_all_companies(actor)
    member.delete()


def require_all_companies(actor: Actor) -> None:
    """Raises ``NotAllowed`` unless the actor administers every company: nobody lifts a limit of their own."""
    require(actor, "administer")
    _require_unlimited(actor)


def _store(company: Company, values: Mapping[str, Any]) -> Company:
    for name in WRITTEN:
        setattr(company, name, values.get(name, getattr(company, name)))
    try:
        company.clean_fields()
    except ValidationError as error:
        found = error.message_dict.items()
        raise Invalid([Problem(name, "invalid", " ".join(words)) for name, words in found]) from error
    if values.get("is_default") and not company.is_default:
        take_default_away()
        company.is_default = True
    company.save()
    return company


def take_default_away() -> None:
    """No company is the default until the transaction makes one so; who wants the same at this moment comes after."""
    others = Company.objects.select_for_update(no_key=True).order_by("pk")
    list(others)  # the default moves from one to the other: only who holds all of them sees where it is
    for other in Company.objects.filter(is_default=True):
        other.is_default = False
        other.save(update_fields=["is_default"])


def _require_unlimited(actor: Actor) -> None:
    if not companies.works_in_every(actor.user):
        raise NotAllowed(f"“{actor.name}” is limited to some companies. Ask an administrator of all of them.")
