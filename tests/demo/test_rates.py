from datetime import date
from decimal import Decimal

import pytest

from config.demo.errors import DemoError, Malformed
from config.demo.rates import import_rates, parse_rates
from config.demo.shop import open_shop

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>{dtd}<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
    'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><Cube>'
)
TAIL = "</Cube></gesmes:Envelope>"


def written(path, body: str, *, dtd: str = "", tail: str = TAIL):
    path.write_text(HEAD.format(dtd=dtd) + body + tail, encoding="utf-8")
    return path


def test_days_and_rates_are_read(tmp_path):
    path = written(tmp_path / "r.xml", "<Cube time='2026-11-19'><Cube currency='USD' rate='1.0842'/></Cube>")
    (day,) = parse_rates(path)
    assert (day.valid_on, day.per_euro) == (date(2026, 11, 19), {"USD": Decimal("1.0842")})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "holds no day of rates"),
        ("<Cube time='today'><Cube currency='USD' rate='1'/></Cube>", "“today” is not a date"),
        ("<Cube time='2026-11-19'/>", "2026-11-19 has no rates"),
        ("<Cube time='2026-11-19'><Cube currency='USD' rate='N/A'/></Cube>", "the rate of USD is “N/A”"),
        ("<Cube time='2026-11-19'><Cube currency='USD' rate='-1'/></Cube>", "not a number above zero"),
        ("<Cube time='2026-11-19'><Cube currency='USD' rate='Infinity'/></Cube>", "not a number above zero"),
    ],
)
def test_a_malformed_file_is_refused_with_the_reason(tmp_path, body, reason):
    with pytest.raises(Malformed, match=reason):
        parse_rates(written(tmp_path / "r.xml", body))


def test_a_file_that_is_no_xml_is_refused(tmp_path):
    with pytest.raises(Malformed, match="not well-formed"):
        parse_rates(written(tmp_path / "r.xml", "<Cube>", tail=""))


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        "<!DOCTYPE x>",
    ],
)
def test_entities_are_refused(tmp_path, dtd):
    with pytest.raises(Malformed, match="declares XML entities or a DTD"):
        parse_rates(written(tmp_path / "r.xml", "", dtd=dtd))


def test_importing_again_changes_nothing_and_a_corrected_rate_is_taken(places):
    newest, stored = import_rates(places)
    assert (newest, stored) == (date(2026, 11, 20), 60)
    assert import_rates(places) == (newest, 0)
    written(places.rates, "<Cube time='2026-11-20'><Cube currency='USD' rate='2'/></Cube>")
    assert import_rates(places) == (newest, 1)
    with open_shop(places.shop) as shop:
        row = shop.execute(
            "SELECT per_euro FROM currency_rate WHERE currency = 'USD' ORDER BY valid_on DESC"
        ).fetchone()
    assert row[0] == "2"


def test_a_missing_file_is_told_with_its_place(places):
    places.rates.unlink()
    with pytest.raises(DemoError, match="There is no rates file rates/eurofxref-daily"):
        import_rates(places)
