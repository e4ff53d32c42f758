"""The base of the house: companies, task scheduler, job objects, entries and the ledger of their runs."""
