"""Typed parameters: what a declaration accepts, how values are read, and the words of every refusal."""

import enum
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.errors import InvalidParameters, NonRetriable
from jobqueue.objects import BadJobObject, parameters
from jobqueue.objects.values import Unreadable, read_decimal
from jobqueue.states import OutputType


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Order:
    number: int
    name: str = field(
        default="Ærø", metadata={"label": "Customer name", "help": "Who ordered.", "max_length": 20}
    )
    amount: Decimal = field(default=Decimal("1.10"), metadata={"min": Decimal(0), "max": Decimal(1_000_000)})
    urgent: bool = False
    day: date | None = None
    at: datetime | None = None
    opens: time | None = None
    unit: Literal["piece", "box"] = "piece"
    colour: Colour = Colour.RED
    output: OutputType = OutputType.PDF
    tags: list[str] = field(default_factory=list)
    codes: tuple[str, ...] = ()
    note: str = field(default="", metadata={"multiline": True})


def refusal(given_values, parameters_type=Order) -> InvalidParameters:
    with pytest.raises(InvalidParameters) as caught:
        parameters.parse(parameters_type, given_values, owner="Codeunit 50100 “Import orders”")
    return caught.value


def test_values_left_out_take_the_defaults_of_the_dataclass():
    assert parameters.parse(Order, {"number": 5}) == Order(number=5)


def test_every_type_is_read_from_its_json_form():
    found = parameters.parse(
        Order,
        {
            "number": 7,
            "name": "Kowalski",
            "amount": "12.50",
            "urgent": True,
            "day": "2026-03-02",
            "at": "2026-03-02T09:00:00+01:00",
            "opens": "08:30",
            "unit": "box",
            "colour": "blue",
            "output": 5,
            "tags": ["a", "b"],
            "codes": ["x"],
            "note": "two\nlines",
        },
    )
    assert found == Order(
        number=7,
        name="Kowalski",
        amount=Decimal("12.50"),
        urgent=True,
        day=date(2026, 3, 2),
        at=datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
        opens=time(8, 30),
        unit="box",
        colour=Colour.BLUE,
        output=OutputType.CSV,
        tags=["a", "b"],
        codes=("x",),
        note="two\nlines",
    )


@pytest.mark.parametrize("text", ["1e999999", "-1e40", "0e99999", "1e-50", "9" * 41, "NaN", "Infinity"])
def test_a_decimal_that_is_no_amount_is_refused(text):
    with pytest.raises(Unreadable):
        read_decimal(text)


def test_a_number_for_a_decimal_keeps_its_written_digits():
    assert parameters.parse(Order, {"number": 1, "amount": 1.1}).amount == Decimal("1.1")


@pytest.mark.parametrize(
    ("values", "field_name", "words"),
    [
        ({}, "number", "parameter “Number” is required. Enter a value."),
        (
            {"number": "5"},
            "number",
            "parameter “Number” is “5”, not a whole number. Write digits only, for example 5.",
        ),
        ({"number": True}, "number", "parameter “Number” is “True”, not a whole number."),
        ({"number": None}, "number", "parameter “Number” may not be empty. Enter a value."),
        ({"number": 1, "name": 5}, "name", "parameter “Customer name” must be a text."),
        ({"number": 1, "name": "x" * 21}, "name", "has 21 characters, 20 are allowed. Shorten it."),
        ({"number": 1, "name": "a\nb"}, "name", "contains a line break. Write it on one line."),
        ({"number": 1, "amount": "much"}, "amount", "is “much”, not a number. Write it like 1234.50."),
        ({"number": 1, "amount": "NaN"}, "amount", "is “NaN”, not a number."),
        ({"number": 1, "amount": "-1"}, "amount", "is -1. Enter 0 or more."),
        ({"number": 1, "amount": "1000001"}, "amount", "Enter 1000000 or less."),
        ({"number": 1, "urgent": "yes"}, "urgent", "is “yes”. Write true or false."),
        ({"number": 1, "day": "2.3.2026"}, "day", "not a date. Write it like 2026-03-02."),
        ({"number": 1, "at": "2026-03-02T09:00:00"}, "at", "not a moment with its offset."),
        ({"number": 1, "opens": "half past eight"}, "opens", "not a time of day. Write it like 08:30."),
        (
            {"number": 1, "unit": "crate"},
            "unit",
            "is “crate”, which is not offered. Choose one of: “piece”, “box”.",
        ),
        ({"number": 1, "colour": "RED"}, "colour", "Choose one of: “red”, “blue”."),
        ({"number": 1, "tags": "a,b"}, "tags", "must be a list of texts."),
        ({"number": 1, "note": "a\x00b"}, "note", "contains a NUL character. Remove it."),
    ],
)
def test_a_refusal_names_the_parameter_the_reason_and_the_next_step(values, field_name, words):
    found = refusal(values)
    assert [problem.field for problem in found.problems] == [field_name]
    assert words in found.message
    assert found.message.startswith("Codeunit 50100 “Import orders”: parameter “")


def test_unknown_parameters_are_refused_with_the_known_ones():
    found = refusal({"number": 1, "nmae": "x"})
    assert "knows no parameter “nmae”. Known are: number, name," in found.message
    assert found.problems[0].code == "unknown_parameter"


def test_an_object_without_parameters_says_so():
    assert "It has no parameters; remove it." in refusal({"x": 1}, None).message


def test_all_problems_are_reported_together():
    found = refusal({"amount": "x", "day": "y", "z": 1})
    assert {problem.field for problem in found.problems} == {"number", "amount", "day", "z"}


def test_wrong_parameters_are_not_retried():
    assert isinstance(refusal({}), NonRetriable)


def test_something_other_than_an_object_is_refused():
    assert "Write a JSON object" in refusal(["number", 1]).message


def test_a_rule_over_several_parameters_is_a_value_error_of_the_dataclass():
    @dataclass(frozen=True)
    class Period:
        first: int
        last: int

        def __post_init__(self):
            if self.last < self.first:
                raise ValueError("the period ends before it begins. Exchange first and last.")

    assert "the period ends before it begins." in refusal({"first": 2, "last": 1}, Period).message


def test_a_required_text_may_not_be_empty_but_one_with_a_default_may():
    @dataclass(frozen=True)
    class Names:
        first: str
        second: str = "x"

    assert [problem.field for problem in refusal({"first": "", "second": ""}, Names).problems] == ["first"]


def test_choices_may_come_from_a_function_that_is_asked_each_time():
    offered = ["one"]

    @dataclass(frozen=True)
    class Chosen:
        which: str = field(metadata={"choices": lambda: offered})

    assert "Choose one of: “one”." in refusal({"which": "two"}, Chosen).message
    offered.append("two")
    assert parameters.parse(Chosen, {"which": "two"}).which == "two"


def test_the_schema_tells_forms_and_api_everything():
    schema = {item["name"]: item for item in (f.schema() for f in parameters.fields_of(Order))}
    assert schema["number"] == {
        "name": "number",
        "type": "integer",
        "label": "Number",
        "help": "",
        "required": True,
        "nullable": False,
        "default": None,
        "choices": [],
    }
    assert schema["name"]["label"] == "Customer name"
    assert schema["name"]["help"] == "Who ordered."
    assert schema["name"]["max_length"] == 20
    assert schema["amount"] | {"label": ""} == {
        "name": "amount",
        "type": "decimal",
        "label": "",
        "help": "",
        "required": False,
        "nullable": False,
        "default": "1.10",
        "choices": [],
        "minimum": "0",
        "maximum": "1000000",
    }
    assert schema["output"]["choices"][0] == {"value": 0, "label": "PDF"}
    assert schema["day"]["nullable"]
    assert schema["tags"]["type"] == "text list"
    assert schema["note"]["multiline"] is True


class NotFrozen:
    pass


@dataclass
class Thawed:
    number: int = 1


def frozen(**annotations):
    space = {"__annotations__": annotations}
    return dataclass(frozen=True)(type("Declared", (), space))


def with_default(hint, default, **metadata):
    space = {"__annotations__": {"value": hint}, "value": field(default=default, metadata=metadata)}
    return dataclass(frozen=True)(type("Declared", (), space))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (NotFrozen, "must be a frozen dataclass. Decorate NotFrozen"),
        (Thawed, "must be a frozen dataclass. Decorate Thawed"),
        (
            frozen(value=float),
            "parameter “value” has the type float, which parameters cannot have. Use str, int",
        ),
        (frozen(value=dict), "has the type dict"),
        (frozen(value=int | str), "which parameters cannot have"),
        (frozen(value=list[int]), "which parameters cannot have"),
        (frozen(value=Literal[1.5]), "which parameters cannot have"),
        (with_default(str, "x", helpp="typo"), "unknown metadata helpp. Known are choices, help, label"),
        (with_default(int, 3, max_length=5), "max_length and multiline are for texts"),
        (with_default(str, "x", min=5), "min and max are for numbers, dates and times"),
        (with_default(int, 3, min=5), "the default of parameter “value” is 3. Enter 5 or more."),
        (with_default(str, None), "the default of parameter “value” may not be empty."),
    ],
)
def test_a_wrong_declaration_is_refused_when_it_is_read(declared, words):
    with pytest.raises(BadJobObject) as caught:
        parameters.fields_of(declared, owner="Codeunit 50100 “Import orders”")
    assert words in str(caught.value)
    assert str(caught.value).startswith("Codeunit 50100 “Import orders”: ")


texts = st.text(st.characters(exclude_characters="\x00\n\r", exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(
    min_value=datetime(1900, 1, 1),
    max_value=datetime(2200, 1, 1),
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=3, minutes=30))]
    ),
)
orders = st.builds(
    Order,
    number=st.integers(),
    name=texts,
    amount=st.decimals(0, 1_000_000, allow_nan=False, allow_infinity=False),
    urgent=st.booleans(),
    day=st.none() | st.dates(),
    at=st.none() | moments,
    opens=st.none() | st.times(),
    unit=st.sampled_from(get_args(Literal["piece", "box"])),
    colour=st.sampled_from(Colour),
    output=st.sampled_from(OutputType),
    tags=st.lists(texts, max_size=4),
    codes=st.lists(texts, max_size=4).map(tuple),
    note=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
)


@given(orders)
def test_what_is_stored_reads_back_the_same(order):
    assert parameters.parse(Order, parameters.to_json(order)) == order


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([item.name for item in parameters.fields_of(Order)]) | st.text(max_size=5)


@given(st.dictionaries(names, json_values, max_size=8))
def test_any_json_is_either_read_or_refused_in_words(values):
    try:
        found = parameters.parse(Order, values)
    except InvalidParameters as error:
        found = error.problems
    assert isinstance(found, Order) or (found and all(problem.message.endswith(".") for problem in found))
