"""One round of the worker: look at the product, run the cycle if it is due, tell people what changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from refresher.worker import alarms, state, watching
from refresher.worker.calling import Patience, Stopped
from refresher.worker.configuration import Configuration
from refresher.worker.cycle import FAILED, INACTIVE, UNREACHABLE, Cycle, Served
from refresher.worker.identity import Identities
from refresher.worker.incidents import judge
from refresher.worker.log import Log
from refresher.worker.product import Product
from refresher.worker.state import State

WELL, RUNNERS_FAILED, PRODUCT_UNWELL = 0, 3, 4


@dataclass(slots=True)
class Round:
    """``served`` is None if the cycle was not due, or nobody answered."""

    look: watching.Look
    served: list[Served] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the cycle was run, and the product was there to its end."""
        return self.served is not None and all(one.result != UNREACHABLE for one in self.served)

    @property
    def exit_status(self) -> int:
        """4: the product is away or not well; 3: a runner failed or is inactive; else 0."""
        if any(not key.startswith("runner:") for key in self.look.findings):
            return PRODUCT_UNWELL
        if any(one.result == UNREACHABLE for one in self.served or []):
            return PRODUCT_UNWELL
        failed = any(one.result in (FAILED, INACTIVE) for one in self.served or [])
        return RUNNERS_FAILED if failed else WELL


class Work:
    """What lasts from round to round: the state, tokens, and connections."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        log: Log,
        wait: Callable[[float], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.configuration, self.log, self.now = configuration, log, now
        self.patience = Patience(configuration.retry, wait, log)
        self.identities = Identities(configuration)
        self.product = Product(configuration, self.patience)
        self.state = self._loaded()

    def close(self) -> None:
        self.product.close()

    def round(self, *, with_cycle: bool) -> Round:
        """Raises ``Stopped`` if the worker was told to stop while it waited; the state is saved then too."""
        try:
            found = Round(watching.look(self.product))
            self.log.info("looked", reachable=found.look.reachable, findings=found.look.findings or None)
            if with_cycle and found.look.reachable:
                found.served = self._cycle()
                watching.add_runners(found.look, found.served, state=self.state)
            watching.look_closer(
                found.look,
                configuration=self.configuration,
                product=self.product,
                identities=self.identities,
                patience=self.patience,
            )
            self._tell(found.look)
            return found
        finally:
            self.save()

    def save(self) -> None:
        """Keeps the state; what cannot be written is logged, and the work goes on."""
        try:
            state.save(self.configuration.status_file, self.state, now=self.now())
        except OSError as error:
            self.log.error("status_not_saved", file=str(self.configuration.status_file), error=str(error))

    def _cycle(self) -> list[Served]:
        cycle = Cycle(self.configuration, self.product, self.identities, self.patience, self.state, self.now)
        return cycle.run()

    def _tell(self, look: watching.Look) -> None:
        telling = judge(
            self.state.incidents,
            look.findings,
            known=look.known,
            now=self.now(),
            remind_seconds=self.configuration.alarm.remind_hours * 3_600,
        )
        for key, sentence in telling.new.items():
            self.log.error("incident_began", incident=key, sentence=sentence)
        for key, incident in telling.over.items():
            self.log.info("incident_over", incident=key, sentence=incident.sentence)
        self.state.pending += alarms.messages(telling, configuration=self.configuration, now=self.now())
        self.save()
        alarms.deliver(
            self.state, configuration=self.configuration, log=self.log, now=self.now(), saved=self.save
        )

    def _loaded(self) -> State:
        file = self.configuration.status_file
        try:
            return state.load(file)
        except (ValueError, OSError) as error:
            self.log.error("status_not_read", file=str(file), error=str(error), next="It is begun anew.")
            try:
                file.replace(file.with_name(f"{file.name}.broken"))
            except OSError:
                pass  # saving says what is wrong with the folder
            return State()


__all__ = ["Round", "Stopped", "Work"]
