import pytest

from jobqueue.errors import InvalidParameters, NonRetriable
from jobqueue.objects import BadJobObject, CollectedErrors, registry, rehearse
from jobqueue.states import ObjectType

from .blocks import blocks

PAGE = "docs/job-objects.md"


@pytest.fixture
def examples():
    """The page's examples, executed top to bottom and registered for the length of a test."""
    with registry.isolated():
        for block in blocks(PAGE, language="python"):
            exec(compile(block, PAGE, "exec"), {"__name__": "examples"})
        yield


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
