"""``$filter`` parsed into a tree.

The language, smallest first::

    operand    = property | literal
    comparison = operand (eq | ne | gt | ge | lt | le) operand        one side a property, the other a literal
               | property in (literal, …)
               | contains|startswith|endswith (property, text) [eq|ne true|false]
               | property                                              a yes-or-no property
    negation   = not negation | ( filter ) | comparison
    filter     = negation joined by and, and weaker by or

``or`` joins conditions on one property only, as the contract has it. Everything else raises ``QueryError`` with its
position: other functions, arithmetic, navigation, two properties compared with each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jobqueue.api_v2.errors import QueryError
from jobqueue.api_v2.tokens import END, Token, tokens_of

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
MIRRORED = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
FUNCTIONS = ("contains", "startswith", "endswith")
WORDS = frozenset({*COMPARISONS, "in", "and", "or", "not"})
DEEPEST = 20
MOST_CONDITIONS = 200


@dataclass(frozen=True, slots=True)
class Comparison:
    """``name`` is the property; ``values`` has one literal, for ``in`` all of them."""

    name: Token
    operator: str
    values: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class TextTest:
    """``function`` of a property and a text; ``wanted`` False asks for those where it does not hold."""

    name: Token
    function: str
    text: Token
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Flag:
    """A yes-or-no property standing alone."""

    name: Token


@dataclass(frozen=True, slots=True)
class Negation:
    inner: "Node"


@dataclass(frozen=True, slots=True)
class Junction:
    """``word`` is ``and`` or ``or``."""

    word: str
    parts: tuple["Node", ...]


Node = Comparison | TextTest | Flag | Negation | Junction


def parse(text: str) -> Node:
    """The tree of a filter; raises ``QueryError`` naming the position of what is not understood."""
    return _Parser(tokens_of(text)).whole()


def names_in(node: Node) -> Iterator[str]:
    """The properties a tree speaks of."""
    if isinstance(node, Negation):
        yield from names_in(node.inner)
    elif isinstance(node, Junction):
        for part in node.parts:
            yield from names_in(part)
    else:
        yield node.name.text


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.conditions = 0

    def whole(self) -> Node:
        node = self._joined_by_or()
        if self.next.kind != END:
            raise self._refusal("“and”, “or” or the end is expected")
        return node

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def _take(self) -> Token:
        token = self.next
        self.place += 1
        return token

    def _meets(self, text: str, kind: str = "name") -> bool:
        return self.next.kind == kind and self.next.text == text

    def _expect(self, text: str, *, after: str) -> None:
        if not self._meets(text, "punctuation"):
            raise self._refusal(f"“{text}” is expected {after}")
        self._take()

    def _refusal(self, reason: str, token: Token | None = None) -> QueryError:
        token = token or self.next
        return QueryError(
            f"Syntax error in $filter at position {token.position}: {reason}, not {token.words}. "
            "Write conditions such as status eq 'Ready' and join them by and."
        )

    def _joined_by_or(self) -> Node:
        position = self.next.position
        parts = [self._joined_by_and()]
        while self._meets("or"):
            self._take()
            parts.append(self._joined_by_and())
        if len(parts) == 1:
            return parts[0]
        node = Junction("or", tuple(parts))
        names = sorted(set(names_in(node)))
        if len(names) > 1:
            raise QueryError(
                f"The “or” of the conditions at position {position} of $filter joins {' and '.join(names)}. "
                "“or” is offered on one property only; ask twice, or use “in” for several values."
            )
        return node

    def _joined_by_and(self) -> Node:
        parts = [self._negated()]
        while self._meets("and"):
            self._take()
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else Junction("and", tuple(parts))

    def _negated(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryError(
                f"$filter is nested more than {DEEPEST} deep at position {self.next.position}. Write it flatter."
            )
        try:
            if self._meets("not"):
                self._take()
                return Negation(self._negated())
            if self._meets("(", "punctuation"):
                self._take()
                node = self._joined_by_or()
                self._expect(")", after="to close the parenthesis")
                return node
            return self._condition()
        finally:
            self.depth -= 1

    def _condition(self) -> Node:
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise QueryError(
                f"$filter has more than {MOST_CONDITIONS} conditions. Ask for less at once, or use “in”."
            )
        first = self._operand()
        if first.kind == "name" and not first.is_literal and self._meets("(", "punctuation"):
            return self._text_test(first)
        if self._meets("in"):
            return self._among(first)
        if self.next.kind == "name" and self.next.text in COMPARISONS:
            return self._comparison(first)
        if first.is_literal:
            raise self._refusal(f"a comparison ({', '.join(COMPARISONS)}) is expected after the value")
        if self.next.kind == "name" and self.next.text not in WORDS:
            raise self._refusal(f"one of {', '.join(COMPARISONS)} or in is expected after “{first.text}”")
        return Flag(first)

    def _operand(self) -> Token:
        token = self.next
        if token.is_literal or (token.kind == "name" and token.text not in WORDS):
            return self._take()
        raise self._refusal("a property or a value is expected")

    def _comparison(self, first: Token) -> Comparison:
        operator, second = self._take().text, self._operand()
        if first.is_literal == second.is_literal:
            what = "two values" if first.is_literal else "two properties"
            raise QueryError(
                f"$filter compares {what} at position {first.position}. Compare a property with a value."
            )
        if self._meets("(", "punctuation"):
            raise self._refusal("“and”, “or” or the end is expected")
        if first.is_literal:
            return Comparison(second, MIRRORED[operator], (first,))
        return Comparison(first, operator, (second,))

    def _among(self, name: Token) -> Comparison:
        if name.is_literal:
            raise self._refusal("a property is expected before “in”", name)
        self._take()
        self._expect("(", after="after “in”")
        values = [self._literal()]
        while self._meets(",", "punctuation"):
            self._take()
            values.append(self._literal())
        self._expect(")", after="after the values of “in”")
        if len(values) > MOST_CONDITIONS:
            raise QueryError(
                f"“in” at position {name.position} of $filter has more than {MOST_CONDITIONS} values."
            )
        return Comparison(name, "in", tuple(values))

    def _literal(self) -> Token:
        if not self.next.is_literal:
            raise self._refusal("a value is expected")
        return self._take()

    def _text_test(self, function: Token) -> TextTest:
        if function.text not in FUNCTIONS:
            raise QueryError(
                f"The function “{function.text[:40]}” at position {function.position} of $filter is not offered. "
                f"Use one of {', '.join(FUNCTIONS)}."
            )
        self._take()
        name = self._operand()
        if name.is_literal or self._meets("(", "punctuation"):
            raise self._refusal(f"a property is expected first in {function.text}", name)
        self._expect(",", after=f"after the property in {function.text}")
        text = self._operand()
        if text.kind != "text":
            raise self._refusal(f"a text in single quotes is expected in {function.text}", text)
        self._expect(")", after=f"after the text in {function.text}")
        return TextTest(name, function.text, text, self._wanted())

    def _wanted(self) -> bool:
        if not (self._meets("eq") or self._meets("ne")):
            return True
        operator, value = self._take().text, self._operand()
        if value.kind != "name" or value.text not in ("true", "false"):
            raise self._refusal("true or false is expected", value)
        return (operator == "eq") == (value.text == "true")
