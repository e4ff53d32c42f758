"""The subcommands of ``manage.py notifications``: parse, ask for permission, call one verb, answer."""
