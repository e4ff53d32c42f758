"""Which company: the default one, those a user may work in, and one by its code."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from jobqueue.errors import NotFound
from jobqueue.models import Company, CompanyMember


def default() -> Company:
    """The default company; raises ``NotFound`` if the installation has none (run ``migrate``)."""
    company = Company.objects.filter(is_default=True).first()
    if company is None:
        raise NotFound("There is no default company. Mark one company as the default, or run “migrate”.")
    return company


def visible_to(user) -> QuerySet[Company]:
    """The companies ``user`` may work in: those that list the user as member, or all if none does.

    A superuser works in every company; the System identity (``None``) too.
    """
    if works_in_every(user):
        return Company.objects.all()
    return Company.objects.filter(companymember__user=user)


def works_in_every(user) -> bool:
    """Whether no company lists ``user`` as a member, so that none is closed."""
    return user is None or user.is_superuser or not CompanyMember.objects.filter(user=user).exists()


def may_enter(user, company: Company) -> bool:
    """Whether ``user`` may work in ``company``."""
    return visible_to(user).filter(pk=company.pk).exists()


def users_of(company: Company) -> QuerySet[Any]:
    """The users, disabled ones too, who may work in ``company``: :func:`may_enter` of many in one query."""
    limited = CompanyMember.objects.values("user")
    inside = CompanyMember.objects.filter(company=company).values("user")
    users = get_user_model()._default_manager
    return users.filter(Q(is_superuser=True) | Q(pk__in=inside) | ~Q(pk__in=limited))


def get(code: str, user) -> Company:
    """The company with this code; ``NotFound`` if there is none or ``user`` may not work in it."""
    company = visible_to(user).filter(code=code).first()
    if company is None:
        raise NotFound(
            f"There is no company “{code}” you may work in. Check the code, or ask an administrator."
        )
    return company


def start_company(user) -> Company:
    """Where ``user`` begins when no company is named: the default one if visible, else the first visible one."""
    visible = visible_to(user)
    company = visible.filter(is_default=True).first() or visible.first()
    if company is None:
        raise NotFound("You may not work in any company. Ask an administrator to add you to one.")
    return company
