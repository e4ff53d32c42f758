"""What can be wrong with a file of the demo company."""


class DemoError(Exception):
    """A business reason why a job cannot go on: one sentence saying what, where and what to do."""


class Malformed(DemoError):
    """A file whose content cannot be used; the message names the line."""
