"""The procrastinate application whose worker is measured."""

import os

from procrastinate import App, PsycopgConnector

from bench.offering import note_start

app = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"], min_size=1, max_size=4))


@app.task(name="nothing")
async def nothing() -> None:
    pass


@app.task(name="note")
async def note(asked_at: float) -> None:
    note_start(asked_at)
