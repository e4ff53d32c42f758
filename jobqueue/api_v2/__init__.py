"""The second contract of the API, below ``/api/v2.0/``: OData resources of companies, entries and log entries.

Names, types and spellings follow *Job queue reference, API v2.0*, so that clients written for that contract work
unchanged. From the outside in: ``views`` answers, ``options`` reads the query options, ``filters`` parses ``$filter``
into a tree, ``conditions`` turns the tree into a database condition, ``resources`` and the tables beside it say which
properties there are, ``kinds`` how values of a type are written and compared, ``paging`` cuts lists into pages.

The filter language is a small subset with a parser of its own: everything else is refused with the position where it
stands, and nothing of a filter reaches the database but values and the columns the tables allow.
"""
