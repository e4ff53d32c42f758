"""Where the demo company keeps its files."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files of the demo company, all below ``root``."""

    root: Path

    @property
    def shop(self) -> Path:
        """The shop's database, which the SQL alias ``demo_shop`` opens read-only."""
        return self.root / "shop.sqlite3"

    @property
    def orders_in(self) -> Path:
        return self.root / "orders" / "incoming"

    @property
    def orders_done(self) -> Path:
        return self.root / "orders" / "archive"

    @property
    def orders_rejected(self) -> Path:
        return self.root / "orders" / "rejects"

    @property
    def rates(self) -> Path:
        return self.root / "rates" / "eurofxref-daily.xml"

    @property
    def bank_in(self) -> Path:
        return self.root / "bank" / "incoming" / "statement.csv"

    @property
    def bank_sample(self) -> Path:
        """A well-formed statement; copying it to ``bank_in`` cures the failing bank import."""
        return self.root / "bank" / "sample" / "statement.csv"

    @property
    def bank_done(self) -> Path:
        return self.root / "bank" / "archive"

    @property
    def payments_out(self) -> Path:
        return self.root / "bank" / "outgoing"

    @property
    def counts_open(self) -> Path:
        """Count sheets people are still filling in; while one lies here the stock is not final."""
        return self.root / "warehouse" / "open-counts"

    @property
    def counts_done(self) -> Path:
        return self.root / "warehouse" / "posted-counts"

    @property
    def prices_in(self) -> Path:
        return self.root / "prices" / "incoming"

    @property
    def prices_done(self) -> Path:
        return self.root / "prices" / "archive"

    def folders(self) -> tuple[Path, ...]:
        return (
            self.orders_in,
            self.orders_done,
            self.orders_rejected,
            self.rates.parent,
            self.bank_in.parent,
            self.bank_sample.parent,
            self.bank_done,
            self.payments_out,
            self.counts_open,
            self.counts_done,
            self.prices_in,
            self.prices_done,
        )

    def create(self) -> None:
        for folder in self.folders():
            folder.mkdir(parents=True, exist_ok=True)

    def name_of(self, path: Path) -> str:
        """``path`` as people read it: relative to the demo folder."""
        return path.relative_to(self.root).as_posix()


def demo_places() -> Places:
    """The places of this installation."""
    return Places(Path(settings.VAR_DIR) / "demo")
