"""The names of rules as metrics count them: a closed set, for a sender may put any name into `undecoded`."""

from shopalytic.v1.rules import RULE_IDS

OTHER = "other"

# What readers of JSON say of an event that they cannot read.
_UNREADABLE = frozenset({"json", "required", "type", "unknown_property", "unknown_type"})

# What the server itself finds wrong with an event, beside the rules of the contract.
_OWN = frozenset(
    {
        "alias.identity_taken",
        "custom.properties.max_bytes",
        "double.finite",
        "email.taken",
        "event.max_bytes",
        "event.max_values",
        "event.unstorable",
        "event_id.conflict",
        "identity.signature",
        "identity.signature_expired",
        "key.event_type",
        "origin.not_allowed",
        "privacy.consent",
        "privacy.erased",
        "privacy.signal",
        "quarantine.full",
        "shipment_id.conflict",
        "timestamp.not_before_1990",
        "timestamp.not_in_future",
    }
)

KNOWN = RULE_IDS | _UNREADABLE | _OWN


def rule_label(rule_id: str) -> str:
    """The rule's own name if it is one of ours, else "other"."""
    return rule_id if rule_id in KNOWN else OTHER
