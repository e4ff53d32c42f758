"""The tree of a filter as a database condition, by the properties a resource allows.

Negations are pushed down to the single conditions, each of which decides for every row: what is unset counts as the
value it is shown as.
"""

from django.db.models import Q

from jobqueue.api_v2.errors import QueryError
from jobqueue.api_v2.filters import Comparison, Flag, Negation, Node, TextTest, parse
from jobqueue.api_v2.kinds import ALWAYS, Boolean, Text, Unreadable
from jobqueue.api_v2.resources import Property, Resource
from jobqueue.api_v2.tokens import Token


def condition_of(text: str, *, resource: Resource) -> Q:
    """The condition a ``$filter`` means; raises ``QueryError`` naming the position of what cannot be answered."""
    if not text.strip():
        raise QueryError("$filter is empty. Leave it out, or write a condition such as status eq 'Ready'.")
    return _condition(parse(text), resource)


def _condition(node: Node, resource: Resource) -> Q:
    if isinstance(node, Negation):
        return ~_condition(node.inner, resource)
    if isinstance(node, Comparison):
        return _comparison(node, resource)
    if isinstance(node, TextTest):
        return _text_test(node, resource)
    if isinstance(node, Flag):
        return _flag(node, resource)
    found = _condition(node.parts[0], resource)
    for part in node.parts[1:]:
        further = _condition(part, resource)
        found = found & further if node.word == "and" else found | further
    return found


def _comparison(node: Comparison, resource: Resource) -> Q:
    found = _property(node.name, resource)
    if node.operator == "in":
        condition = ~ALWAYS
        for value in node.values:
            condition |= _single(found, "eq", value)
        return condition
    if node.operator == "ne":
        return ~_single(found, "eq", node.values[0])
    return _single(found, node.operator, node.values[0])


def _single(found: Property, word: str, token: Token) -> Q:
    try:
        value = found.kind.literal(token)
        if found.condition is not None:
            return found.condition(word, value)
        return found.kind.compared(found.column, word, value, nullable=found.nullable)
    except Unreadable as error:
        raise _unfit(found, token, error) from None


def _text_test(node: TextTest, resource: Resource) -> Q:
    found = _property(node.name, resource)
    try:
        if found.condition is not None:
            if not isinstance(found.kind, Text):
                raise Unreadable("only texts can be searched in")
            condition = found.condition(node.function, node.text.text)
        else:
            condition = found.kind.tested(
                found.column, node.function, node.text.text, nullable=found.nullable
            )
    except Unreadable as error:
        raise _unfit(found, node.text, error) from None
    return condition if node.wanted else ~condition


def _flag(node: Flag, resource: Resource) -> Q:
    found = _property(node.name, resource)
    if not isinstance(found.kind, Boolean):
        raise QueryError(
            f"“{found.name}” at position {node.name.position} of $filter is no condition by itself. "
            f"Compare it with a value: {found.name} eq and the value."
        )
    return _single(found, "eq", Token("name", "true", node.name.position))


def _property(token: Token, resource: Resource) -> Property:
    found = resource.by_name.get(token.text)
    if found is None:
        raise QueryError(
            f"Could not find a property named “{token.text[:60]}” on {resource.entity} at position "
            f"{token.position} of $filter. Names are spelled as in the answers."
        )
    if not found.filterable:
        raise QueryError(
            f"“{found.name}” at position {token.position} of $filter cannot be filtered on. "
            "Choose another property."
        )
    return found


def _unfit(found: Property, token: Token, error: Unreadable) -> QueryError:
    return QueryError(
        f"The value at position {token.position} of $filter does not fit “{found.name}” ({found.type_name}): {error}."
    )
