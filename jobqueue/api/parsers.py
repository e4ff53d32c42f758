"""Reading JSON bodies: what no database can store, or no parser can follow, is refused as malformed."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

NESTED_TOO_DEEPLY = "The JSON is nested too deeply. Send flatter values."


class StrictJSONParser(JSONParser):
    """JSON as RFC 8259 has it; half characters (lone surrogates) and endless nesting are no values."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            found = super().parse(stream, media_type, parser_context)
            json.dumps(found, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError(NESTED_TOO_DEEPLY) from None
        except UnicodeEncodeError:
            raise ParseError("The JSON holds half a character (a lone surrogate). Send whole ones.") from None
        return found
