"""One broken rule of the contract, as checks and verdicts name it."""

from typing import NamedTuple


class Violation(NamedTuple):
    """Which field broke which rule, and what to do about it."""

    field: str
    """Path from the event on, such as "order.line_items[0].price"."""

    rule_id: str
    """Stable name of the rule, such as "required" or "string.max_len"."""

    message: str
    """What is wrong and what to do."""
