"""The run engine: short idempotent steps over database state, each in one transaction under the package's lock.

*planning* keeps Next Run and its scheduled task; *due* serves a due time; *starting* opens a run; *steps* moves it on
whenever an entry has ended (in the transaction of that end); *ending* closes it; *reconciling* takes over what stands
still. No worker ever waits for a package.
"""
