"""Administrators who change companies at the same moment."""

from functools import partial

import pytest

from jobqueue import lifecycle
from jobqueue.models import Company
from tests.at_once import at_once
from tests.builders import actor_of, make_superuser

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_second_is_told_that_the_code_is_taken():
    actor = actor_of(make_superuser())
    values = {"code": "north", "name": "North"}
    answers = at_once(*[lambda: lifecycle.create_company(values, actor=actor)] * 4)
    assert answers == ["", *["invalid"] * 3]
    assert Company.objects.filter(code="north").count() == 1


def test_of_several_new_defaults_the_last_one_is_the_default():
    actor = actor_of(make_superuser())
    made = [Company.objects.create(code=f"n{number}", name=f"North {number}") for number in range(4)]

    def make_default(company: Company) -> None:
        lifecycle.change_company(company, {"is_default": True}, actor=actor)

    assert at_once(*[partial(make_default, company) for company in made]) == [""] * 4
    assert Company.objects.filter(is_default=True, code__startswith="n").count() == 1
    assert Company.objects.filter(is_default=True).count() == 1
