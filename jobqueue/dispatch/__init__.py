"""From a claimed task to its ledger row: facts, gates, start, run, finish, or error.

``dispatcher`` decides and starts, ``running`` and ``execution`` run, ``finishing`` and ``error_handler`` record the
end; ``hotpath`` holds the fused statements of the fast lane.
Source: *Job queue reference, Dispatcher* and *Error handler*.
"""
