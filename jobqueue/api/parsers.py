"""Reading JSON bodies: what no database can store, no parser can follow, or is said twice, is refused as malformed."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

LONGEST_NAME = 50
NESTED_TOO_DEEPLY = "The JSON is nested too deeply. Send flatter values."


class StrictJSONParser(JSONParser):
    """JSON as RFC 8259 has it, in UTF-8.

    Half characters (lone surrogates), endless nesting, numbers that are none and names given twice are refused: of
    two values for one name a filter in front of this server might have seen the other one.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            found = json.loads(
                stream.read().decode(), object_pairs_hook=_with_names_once, parse_constant=_refused_constant
            )
            json.dumps(found, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError(NESTED_TOO_DEEPLY) from None
        except UnicodeEncodeError:
            raise ParseError("The JSON holds half a character (a lone surrogate). Send whole ones.") from None
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8, in which JSON is sent. Send it in UTF-8.") from None
        except ValueError as error:
            raise ParseError(f"The body is no JSON: {error}. Send one JSON value.") from None
        return found


def _with_names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ParseError(f"The JSON gives the name “{_printable(twice)}” twice in one object. Give it once.")
    return found


def _refused_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _printable(name: str) -> str:
    return name[:LONGEST_NAME].encode(errors="replace").decode()
