"""The patterns and CEL rules of the protos with their equivalents in Python."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """What matches a pattern, and the message when it does not: names in shopalytic.events.checking."""

    matcher: str
    message: str
    form: str
    """Its name in the native core."""
    may_hold_nul: bool = False
    """Whether a text that matches can still contain U+0000."""


@dataclass(frozen=True)
class CelRule:
    """When a CEL rule is broken, in terms of `message` or of the field's `value`."""

    broken_if: str
    broken_by_empty: bool = False
    """Whether the empty text breaks it."""
    form: str = ""
    """Of a field's rule: its name in the native core, which leaves to Python what has none."""
    needs: tuple[bool, str, str] | None = None
    """Of a message's rule: where a field is given, or is not, which one must be. None: no table says it."""


MONEY = "^[0-9]{1,14}([.][0-9]{1,4})?$"
PATTERNS = {
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$": Pattern(
        "matches_uuid", "MALFORMED_UUID", "uuid"
    ),
    MONEY: Pattern("matches_money", "MALFORMED_MONEY", "money"),
    # The native core leaves these to Python.
    "^-?[0-9]{1,9}([.][0-9]{1,4})?$": Pattern("matches_quantity", "MALFORMED_QUANTITY", ""),
    "^[A-Z]{3}$": Pattern("matches_three_capitals", "NOT_THREE_CAPITALS", "capitals"),
    "^[^@\\s]+@[^@\\s]+$": Pattern("matches_email", "MALFORMED_EMAIL", "email", may_hold_nul=True),
}

# What stands around a placeholder and is no part of it, and what many people would share.
_AROUND = r'[\\s\\x{200b}-\\x{200d}\\x{2060}\\x{feff}"]*'
_SHARED = (
    r"null|undefined|none|nil|nan|n/a|\\[object .*\\]|\\(no(ne|t set)\\)"
    r"|(\\{\\{|\\$\\{|<%).*[}>]|true|false|[0-]*"
)
_NOBODY = "-1|guest|anonymous|unknown|(user|distinct)?_?id|user|email|not_authenticated"

# By id and expression: changing an expression without its equivalent must not go unnoticed.
CEL_RULES = {
    ("tracking_id.or_identity", "has(this.tracking_id) || has(this.identity)"): CelRule(
        'not message.tracking_id and not message.HasField("tracking_id") and not message.HasField("identity")'
    ),
    (
        "identity.same_as_identify",
        "!has(this.identify) || !has(this.identity) || this.identity == this.identify.identity",
    ): CelRule(
        'message.HasField("identify") and message.HasField("identity") '
        "and message.identity != message.identify.identity"
    ),
    (
        "total_discount.required_with_discounts",
        "size(this.discounts) == 0 || has(this.total_discount)",
    ): CelRule(
        'message.discounts and not message.HasField("total_discount")',
        needs=(True, "discounts", "total_discount"),
    ),
    ("sku.or_name", "this.sku != '' || has(this.name)"): CelRule(
        'not message.sku and not message.HasField("name")', needs=(False, "sku", "name")
    ),
    ("qty.required_without_quantity", "this.qty != 0 || has(this.quantity)"): CelRule(
        'not message.qty and not message.HasField("quantity")', needs=(False, "qty", "quantity")
    ),
    (
        "total_refund.required_if_partial",
        "this.refund_type != 'partial' || has(this.total_refund)",
    ): CelRule('message.refund_type == "partial" and not message.HasField("total_refund")'),
    (
        "subtotal_refund.required_if_partial",
        "this.refund_type != 'partial' || has(this.subtotal_refund)",
    ): CelRule('message.refund_type == "partial" and not message.HasField("subtotal_refund")'),
    (
        "tracking_id.placeholder",
        f"!this.matches('(?i)^{_AROUND}({_SHARED}){_AROUND}$')",
    ): CelRule("is_device_placeholder(value)", broken_by_empty=True, form="device"),
    (
        "identity.placeholder",
        f"!this.matches('(?i)^{_AROUND}({_SHARED}|{_NOBODY}){_AROUND}$')",
    ): CelRule("is_identity_placeholder(value)", broken_by_empty=True, form="identity"),
}
