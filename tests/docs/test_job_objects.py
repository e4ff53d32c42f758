import pytest

from jobqueue import events, lifecycle
from jobqueue.errors import InvalidParameters, NonRetriable
from jobqueue.models import Entry
from jobqueue.objects import BadJobObject, CollectedErrors, registry, rehearse
from jobqueue.states import ObjectType, Status
from tests.builders import actor_of, default_company, make_superuser

from .blocks import blocks

PAGE = "docs/job-objects.md"


@pytest.fixture
def examples():
    """The page's examples, executed top to bottom and registered for the length of a test; what they define."""
    defined = {"__name__": "examples"}
    receivers = list(events.before_insert_recurring_entry.receivers)
    with registry.isolated():
        for block in blocks(PAGE, language="python"):
            exec(compile(block, PAGE, "exec"), defined)
        yield defined
    events.before_insert_recurring_entry.receivers = receivers
    events.before_insert_recurring_entry.sender_receivers_cache.clear()


def example(object_id: int, object_type: ObjectType = ObjectType.CODEUNIT):
    return registry.get(object_type, object_id)


@pytest.mark.usefixtures("examples")
class TestTheExamples:
    def test_all_register(self):
        assert [item.object_id for item in registry.all() if item.object_type == ObjectType.CODEUNIT] == [
            50_200, 50_201, 50_202, 50_204, 50_205, 50_206,
        ]  # fmt: skip

    def test_the_first_one_counts_files(self, tmp_path):
        (tmp_path / "one").touch()
        assert rehearse(example(50_200), parameter_string=str(tmp_path)).sink.texts == [
            f"1 files in {tmp_path}."
        ]

    def test_parameters_are_checked_as_the_page_says(self):
        with pytest.raises(InvalidParameters, match="needs a dry run first"):
            rehearse(example(50_201), parameters={"percent": "30", "dry_run": False})
        with pytest.raises(InvalidParameters):
            rehearse(example(50_201), parameters={"percent": "51"})
        with pytest.raises(InvalidParameters):
            rehearse(example(50_201), parameters={})

    def test_collected_errors_fail_the_run_at_its_end(self):
        with pytest.raises(CollectedErrors, match="Address 2 is empty"):
            rehearse(example(50_202))

    def test_the_report_leaves_a_document(self):
        (document,) = rehearse(example(50_203, ObjectType.REPORT)).sink.documents
        assert document.content.startswith(b"%PDF")

    def test_a_closed_month_is_not_retried(self):
        with pytest.raises(NonRetriable, match="closed already"):
            rehearse(example(50_204), parameter_string="2026-01")
        assert example(50_204).defaults == {"max_attempts": 3, "rerun_delay_seconds": 60}

    def test_another_function_cannot_take_a_used_number(self):
        with pytest.raises(BadJobObject):
            exec(blocks(PAGE, language="python")[0].replace("count_files", "other"), {"__name__": "examples"})


@pytest.mark.django_db
def test_application_code_schedules_and_an_event_may_refuse(examples):
    user, company = make_superuser(), default_company()
    examples["order_received"](user)
    first, later = Entry.objects.order_by("entry_no")
    assert (first.status, first.object_id, first.parameter_string) == (Status.READY, 50_200, "/etc")
    assert (later.category_code, later.earliest_start_at.year, later.max_attempts) == ("NIGHT", 2099, 3)

    values = {"object_id": 50_205, "run_on_mondays": True}
    with pytest.raises(ValueError, match="give the entry a starting time"):
        lifecycle.create_entry(company, values, actor=actor_of(user))
    lifecycle.create_entry(company, {**values, "starting_time": "20:00"}, actor=actor_of(user))


def test_every_name_in_the_table_exists_on_a_run():
    import re

    from jobqueue.objects import make_run

    from .blocks import text_of

    names = set(re.findall(r"^\| .*?$", text_of(PAGE), re.MULTILINE)) and set(
        re.findall(r"`run\.(\w+)", text_of(PAGE))
    )
    run = make_run()
    assert names
    assert [name for name in sorted(names) if not hasattr(type(run), name) and name not in vars(run)] == []
