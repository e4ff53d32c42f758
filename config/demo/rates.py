"""Euro reference rates from an XML file in the layout the European Central Bank publishes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from config.demo.errors import DemoError, Malformed
from config.demo.places import Places
from config.demo.shop import open_shop, posting

CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"


@dataclass(frozen=True, slots=True)
class DayOfRates:
    """Units of each currency for one euro, valid on one day."""

    valid_on: date
    per_euro: dict[str, Decimal]


def parse_rates(path: Path) -> list[DayOfRates]:
    """The days of the file, newest first as they stand there; raises :class:`Malformed`.

    Entity declarations and external references are refused: such a file never comes from the bank.
    """
    try:
        root = ElementTree.parse(path, forbid_dtd=True).getroot()
    except ParseError as error:
        raise Malformed(f"{path.name} is not well-formed XML: {error}.") from error
    except DefusedXmlException as error:
        raise Malformed(
            f"{path.name} declares XML entities or a DTD, which a rates file never does."
        ) from error
    days = [_day(cube, name=path.name) for cube in root.iter(CUBE) if "time" in cube.attrib]
    if not days:
        raise Malformed(f"{path.name} holds no day of rates (no Cube element with a time).")
    return days


def _day(cube: Element, *, name: str) -> DayOfRates:
    try:
        valid_on = date.fromisoformat(cube.attrib["time"])
    except ValueError as error:
        raise Malformed(f"{name}: “{cube.attrib['time']}” is not a date.") from error
    rates: dict[str, Decimal] = {}
    for part in cube.iter(CUBE):
        if "currency" in part.attrib:
            rates[part.attrib["currency"]] = _rate(part, name=name)
    if not rates:
        raise Malformed(f"{name}: {valid_on} has no rates.")
    return DayOfRates(valid_on, rates)


def _rate(part: Element, *, name: str) -> Decimal:
    text = part.attrib.get("rate", "")
    try:
        rate = Decimal(text)
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or rate <= 0:
        raise Malformed(
            f"{name}: the rate of {part.attrib['currency']} is “{text}”, not a number above zero."
        )
    return rate


def import_rates(places: Places) -> tuple[date, int]:
    """Stores the rates of the file; returns the newest day and how many rates were new or changed.

    Storing the same file again changes nothing. Raises :class:`DemoError` if the file is missing or malformed.
    """
    if not places.rates.exists():
        raise DemoError(
            f"There is no rates file {places.name_of(places.rates)}. Put the bank's file there and run again."
        )
    days = parse_rates(places.rates)
    changed = 0
    with open_shop(places.shop) as shop, posting(shop):
        for day in days:
            for currency, rate in day.per_euro.items():
                changed += shop.execute(
                    "INSERT INTO currency_rate VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET per_euro = excluded.per_euro "
                    "WHERE per_euro != excluded.per_euro",
                    (currency, day.valid_on.isoformat(), str(rate)),
                ).rowcount
    return max(day.valid_on for day in days), changed


def rates_file(days: list[DayOfRates]) -> str:
    """The text of a rates file, used for the sample."""
    cubes = "".join(
        f"\t\t<Cube time='{day.valid_on}'>\n"
        + "".join(f"\t\t\t<Cube currency='{code}' rate='{rate}'/>\n" for code, rate in day.per_euro.items())
        + "\t\t</Cube>\n"
        for day in days
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
        'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">\n'
        "\t<gesmes:subject>Reference rates</gesmes:subject>\n"
        "\t<gesmes:Sender>\n\t\t<gesmes:name>Sample data</gesmes:name>\n\t</gesmes:Sender>\n"
        f"\t<Cube>\n{cubes}\t</Cube>\n</gesmes:Envelope>\n"
    )
