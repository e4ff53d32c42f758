"""Two administrators who make the same company at the same moment."""

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
