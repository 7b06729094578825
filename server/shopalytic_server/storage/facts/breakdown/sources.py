"""What filters and breakdowns name, worked out for one question.

A view's dimensions are a closed list of expressions over its own row (`t`) and
over what stands beside it: the visit in which something happened (`v`), the order
that it belongs to (`d`), the customer (`p`, `f`), the categories of a product
(`k`). What stands beside is made once a question, and only if it is named.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shopalytic_server.domain.reports.dimensions import (
    CAME_FROM,
    CUSTOMER,
    DIMENSIONS,
    EQUIPMENT,
    LINES,
    PLACE,
    SEVERAL,
    Attribution,
)
from shopalytic_server.storage.facts.breakdown.filters import (
    Condition,
    Expression,
    add_filters,
    scope_condition,
)
from shopalytic_server.storage.facts.fresh import EVER, Span
from shopalytic_server.storage.facts.scope import Scope
from shopalytic_server.storage.facts.tables import STEPS

_OF_VISIT = CAME_FROM | EQUIPMENT | PLACE
_OF_ORDERS = ("orders", "order_lines", "order_discounts", "refunds", "refund_lines", "shipment_changes")

_SENT_BY = {"sent_by": Expression("coalesce(t.source, '')")}
_CATEGORIES = {
    "sku": Expression("t.sku"),
    "category": Expression("coalesce(k.categories, [''])", several=True),
}
# What only an order has: nobody knows it of what was done before.
_NOT_YET = {"coupon": Expression("''"), "payment_type": Expression("''")}
_CATEGORIES_OF = " LEFT JOIN sku_categories AS k ON k.sku = t.sku"

_ORDER = {
    name: Expression(f"d.{name}", several=name in SEVERAL)
    for name in DIMENSIONS
    if name not in LINES and name != "sent_by"
} | _SENT_BY


def _of_event(at: str, known: str = "c.customer IS NOT NULL") -> dict[str, Expression]:
    """The dimensions of something that a customer did at a time."""
    kind = f"CASE WHEN NOT ({known}) THEN 'guest' WHEN f.first_at < {at} THEN 'returning' ELSE 'new' END"
    found = {name: Expression(f"coalesce(v.{name}, '')") for name in EQUIPMENT | PLACE}
    found |= {name: Expression(f"coalesce(v.credited_{name}, '')") for name in CAME_FROM}
    return found | {
        "customer_type": Expression(kind),
        "segment": Expression("coalesce(p.segment, '')"),
        **_SENT_BY,
    }


def visit_of(at: str, customer: str) -> str:
    """The condition of the visit (`v`) in which a customer did something."""
    return (
        f"v.customer = {customer} AND v.occurred_at <= {at} AND v.until > {at}"
        f" AND v.part = coalesce(least(epoch_us({at}) // w.width, w.last), 0)"
    )


def _beside_event(view: str, at: str) -> str:
    customer = "coalesce(c.customer, t.subject)"
    return (
        f"{view} AS t LEFT JOIN customers_of AS c ON c.subject = t.subject"
        f" LEFT JOIN crowded AS w ON w.customer = {customer}"
        f" LEFT JOIN visits_in_parts AS v ON {visit_of(at, customer)}"
        f" LEFT JOIN first_orders AS f ON f.customer = {customer}"
        f" LEFT JOIN segments AS p ON p.customer = {customer}"
    )


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a view come from when dimensions are named, and what these are there."""

    rows: str
    expressions: Mapping[str, Expression]
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Columns that are worked out otherwise."""
    flagged: bool = False
    """The view keeps all rows, and says of each whether the filters leave it (`matching`)."""


_BY_ORDER = "{view} AS t JOIN order_dimensions AS d ON d.order_key = t.order_key"


def _of_visit(row: str) -> dict[str, Expression]:
    """The dimensions of a visit itself, as it came."""
    before = f"f.first_at < {row}.occurred_at"
    kind = f"CASE WHEN NOT {row}.known THEN 'guest' WHEN {before} THEN 'returning' ELSE 'new' END"
    return {name: Expression(f"{row}.{name}") for name in _OF_VISIT | {"sent_by"}} | {
        "customer_type": Expression(kind),
        "segment": Expression("coalesce(p.segment, '')"),
    }


_CUSTOMERS_OF_VISIT = (
    " LEFT JOIN first_orders AS f ON f.customer = {row}.customer"
    " LEFT JOIN segments AS p ON p.customer = {row}.customer"
)
_VIEWED = (
    "page_views AS t LEFT JOIN customers_of AS c ON c.subject = t.subject"
    " LEFT JOIN crowded AS w ON w.customer = coalesce(c.customer, t.subject)"
    f" JOIN visits_in_parts AS v ON {visit_of('t.occurred_at', 'coalesce(c.customer, t.subject)')}"
)
_CART_LINES = (
    " LEFT JOIN cart_contents AS q ON q.dataset = t.dataset AND q.cart = t.cart"
    " LEFT JOIN cart_categories AS k ON k.dataset = t.dataset AND k.cart = t.cart"
)

SOURCES = {
    "orders": Source(_BY_ORDER.format(view="orders"), _ORDER, {"closing": "d.closing"}),
    "order_lines": Source(
        _BY_ORDER.format(view="order_lines") + " AND d.closing" + _CATEGORIES_OF, _ORDER | _CATEGORIES
    ),
    "order_discounts": Source(_BY_ORDER.format(view="order_discounts") + " AND d.closing", _ORDER),
    "refunds": Source(_BY_ORDER.format(view="refunds"), _ORDER),
    "returns": Source(_BY_ORDER.format(view="returns"), _ORDER),
    "reversals": Source(_BY_ORDER.format(view="reversals"), _ORDER),
    "returned": Source(
        _BY_ORDER.format(view="returned") + " AND d.closing" + _CATEGORIES_OF, _ORDER | _CATEGORIES
    ),
    "line_discounts": Source(
        _BY_ORDER.format(view="line_discounts") + " AND d.closing" + _CATEGORIES_OF, _ORDER | _CATEGORIES
    ),
    "parcels": Source(
        _BY_ORDER.format(view="parcels") + " AND d.closing", _ORDER | {"carrier": Expression("t.carrier")}
    ),
    "product_views": Source(
        _beside_event("product_views", "t.occurred_at") + _CATEGORIES_OF,
        _of_event("t.occurred_at") | _CATEGORIES | _NOT_YET,
    ),
    "cart_changes": Source(
        _beside_event("cart_changes", "t.modified_at") + _CATEGORIES_OF,
        _of_event("t.modified_at") | _CATEGORIES | _NOT_YET,
    ),
    "searches": Source(_beside_event("searches", "t.occurred_at"), _of_event("t.occurred_at")),
    "carts": Source(
        _beside_event("carts", "t.created_at") + _CART_LINES,
        _of_event("t.created_at")
        | {
            "sku": Expression("q.skus", several=True),
            "category": Expression("coalesce(k.categories, [''])", several=True),
        },
    ),
    "steps": Source(_beside_event("steps", "t.occurred_at"), _of_event("t.occurred_at"), flagged=True),
    "visits": Source("visits AS t" + _CUSTOMERS_OF_VISIT.format(row="t"), _of_visit("t"), flagged=True),
    # A page view belongs to its visit, whose own values count.
    "page_views": Source(_VIEWED + _CUSTOMERS_OF_VISIT.format(row="v"), _of_visit("v")),
}
"""By view. What is not here is filtered by the columns of a scope alone."""

_EVENT_TABLES = {
    "orders": ("ordered_at", False),
    "page_views": ("occurred_at", True),
    "product_views": ("occurred_at", True),
    "cart_changes": ("modified_at", True),
    "searches": ("occurred_at", True),
    "steps": ("occurred_at", True),
}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a question has to have beside the rows of its report."""

    named: frozenset[str]
    tables: frozenset[str]
    shared: bool
    """Whether several visits share what an order is worth."""

    @classmethod
    def of(cls, scope: Scope, tables: Collection[str], extra: Collection[str] = ()) -> "Needs":
        """What a scope needs of some tables; `extra` are dimensions that a report looks at anyway."""
        named = scope.dimensions | frozenset(extra)
        shared = scope.attribution is Attribution.LINEAR and bool(named & CAME_FROM)
        return cls(named, frozenset(tables), shared)

    @property
    def orders(self) -> bool:
        """Whether the dimensions of orders."""
        return bool(self.named) and not self.tables.isdisjoint(_OF_ORDERS)

    @property
    def visits(self) -> bool:
        """Whether the visits."""
        return bool(self.named & _OF_VISIT) or (bool(self.named) and "page_views" in self.tables)

    @property
    def of_visitors(self) -> bool:
        """Whether the report looks at what all visitors do, not at buyers alone."""
        return not self.tables.isdisjoint(STEPS.keys() | {"steps"})

    @property
    def credits(self) -> bool:
        """Whether it matters which visit gets the credit for what a customer does."""
        return bool(self.named & CAME_FROM)

    @property
    def lines(self) -> bool:
        """Whether orders count with their chosen lines alone."""
        return not self.named.isdisjoint(LINES)

    def spans(self, scope: Scope) -> dict[str, Span]:
        """The tables, with their times, that are needed besides."""
        if not self.named:
            return {}
        found = {"customers_of": EVER}
        if self.visits:
            found |= {"visit_parts": Span(None, scope.to_at), "page_views": Span(scope.from_at, scope.to_at)}
        if self.orders or self.named & CUSTOMER:
            found |= {"orders": EVER, "refunds": EVER, "shipment_changes": EVER}
        if "coupon" in self.named:
            found["order_discounts"] = EVER
        if self.lines and "orders" in self.tables:
            found |= {"order_lines": EVER, "refund_lines": EVER, "refunds": EVER, "orders": EVER}
        return found


def active(tables: Collection[str]) -> str:
    """The subjects of those whom a question on these tables is about."""
    parts = []
    for table, (at, ranged) in _EVENT_TABLES.items():
        if table in tables:
            until = f" WHERE {at} >= $from_at::TIMESTAMP AND {at} < $to_at::TIMESTAMP" if ranged else ""
            parts.append(f"SELECT subject FROM {table}{until}")  # noqa: S608 - names of ours
    return (
        "WITH who AS MATERIALIZED (SELECT DISTINCT coalesce(c.customer, s.subject) AS customer"  # noqa: S608
        f" FROM ({' UNION ALL '.join(parts)}) AS s LEFT JOIN customers_of AS c ON c.subject = s.subject)"
        " SELECT customer AS subject FROM who UNION ALL"
        " SELECT c.subject FROM customers_of AS c JOIN who ON who.customer = c.customer"
    )


def fits(view: str, needs: Needs) -> bool:
    """Whether a view knows all dimensions that are named; what does not is no matter of the report."""
    source = SOURCES.get(_LINES_OF.get(view, view) if needs.lines else view)
    if source is None:
        return not needs.named
    if needs.named and not needs.orders and "order_dimensions" in source.rows:
        return False
    own = LINES if needs.lines and view == "orders" else frozenset[str]()
    return needs.named <= source.expressions.keys() | own


def counted(
    view: str, columns: Sequence[str], scope: Scope, needs: Needs, by: Sequence[str]
) -> tuple[str, Condition]:
    """The statement of the view with the rows that a scope leaves, and what its variables are.

    It has the values of the breakdown as `by_1` and `by_2`; those of `orders` say
    which of several that share one order is `closing`.
    """
    asked, view = view, _LINES_OF.get(view, view) if needs.lines else view
    condition = scope_condition(columns, scope)
    source = SOURCES.get(view)
    if source is None or not needs.named:
        besides = {"orders": ", true AS closing", "steps": ", true AS matching"}.get(view, "")
        rows = f"SELECT t.*{besides}, '' AS by_1, '' AS by_2 FROM {view} AS t"  # noqa: S608
        return f"{rows} WHERE {condition.sql}", condition
    changed = _shares(view) if needs.shared else {}
    if asked == "reversals" and view == "returned":
        source = replace(source, replaced={"revenue": "t.amount", "digits": "t.amount_digits"})
    if asked == "returns" and view == "returned":
        changed = {"amount": "t.net_amount", "amount_digits": "t.net_digits"}
        # Nobody states tax and shipping by line.
        nothing = {"tax": "NULL::DECIMAL(38, 4)", "shipping": "NULL::DECIMAL(38, 4)"}
        source = replace(source, replaced=nothing | {"tax_digits": "0", "shipping_digits": "0"})
    return _with_dimensions(view, source, scope, needs, by, condition, changed)


def _with_dimensions(
    view: str,
    source: Source,
    scope: Scope,
    needs: Needs,
    by: Sequence[str],
    condition: Condition,
    changed: Mapping[str, str],
) -> tuple[str, Condition]:
    """`changed` are columns of the view that stand for something else."""
    expressions, rows = dict(source.expressions), source.rows
    if needs.lines and view == "orders":
        rows, changed, expressions = _in_lines(rows, expressions)
    own = [
        each for each in scope.filters if not (each.dimension in by and expressions[each.dimension].several)
    ]
    filters = Condition()
    add_filters(filters, own, expressions)
    values = [_unnested(expressions[name]) for name in by] + ["''"] * (2 - len(by))
    named = [f"{value} AS by_{place}" for place, value in enumerate(values, 1)]
    besides = [f"{value} AS {name}" for name, value in source.replaced.items()]
    replaced = ", ".join(f"{value} AS {name}" for name, value in changed.items())
    chosen = f"t.* REPLACE ({replaced})" if replaced else "t.*"
    if source.flagged:
        besides.append(f"{filters.sql} AS matching")
    else:
        condition.parts += filters.parts
    condition.variables |= filters.variables
    statement = f"SELECT {', '.join([chosen, *besides, *named])} FROM {rows} WHERE {condition.sql}"  # noqa: S608
    after = Condition()
    for number, each in enumerate(scope.filters):
        if each not in own:
            after.add(Expression(f"by_{by.index(each.dimension) + 1}"), each, f"value_{number}")
    condition.variables |= after.variables
    if view == "orders" and needs.lines:
        first = "row_number() OVER (PARTITION BY order_key, by_1, by_2) = 1 AS closing"
        return f"SELECT * REPLACE ({first}) FROM ({statement}) WHERE {after.sql}", condition  # noqa: S608
    if after.parts:
        return f"SELECT * FROM ({statement}) WHERE {after.sql}", condition  # noqa: S608
    return statement, condition


def _unnested(expression: Expression) -> str:
    return f"unnest({expression.sql})" if expression.several else expression.sql


# The amounts of a view that several visits of one order share.
_AMOUNTS = {
    "orders": ("total", "subtotal", "total_tax", "total_shipping", "total_discount"),
    "refunds": ("amount",),
    "returns": ("amount", "tax", "shipping"),
    "reversals": ("revenue", "cost"),
}


def _shares(view: str) -> dict[str, str]:
    found = {}
    for name in _AMOUNTS.get(view, ()):
        digits = "digits" if name == "revenue" else f"{name}_digits"
        finest = f"greatest(t.{digits}, coin_digits(t.currency))"
        found[name] = f"shared(t.{name}, {finest}, d.shares, d.closing)"
        found[digits] = f"CASE WHEN d.shares = 1 THEN t.{digits} ELSE {finest} END"
    if view == "orders":
        found |= {name: f"CASE WHEN d.closing THEN t.{name} END" for name in ("units", "quantity")}
    return found


# What counts of refunds where orders count with their chosen lines alone.
_LINES_OF = {"refunds": "returned", "returns": "returned", "reversals": "returned"}


def _in_lines(
    rows: str, expressions: dict[str, Expression]
) -> tuple[str, dict[str, str], dict[str, Expression]]:
    """A row for each product of an order; nothing else of it is known by product.

    Of the rows of one order that are left, one is `closing`.
    """
    return (
        f"{rows} AND d.closing JOIN lines_of_orders AS l ON l.order_key = t.order_key"
        " LEFT JOIN line_discounts AS e ON e.order_key = l.order_key AND e.sku = l.sku"
        " LEFT JOIN sku_categories AS k ON k.sku = l.sku",
        {
            "total": "l.goods",
            "total_digits": "l.goods_digits",
            "subtotal": "l.goods",
            "subtotal_digits": "l.goods_digits",
            "units": "l.units",
            "quantity": "l.quantity",
            "quantity_digits": "l.quantity_digits",
            "total_tax": "NULL::DECIMAL(38, 4)",
            "total_shipping": "NULL::DECIMAL(38, 4)",
            "total_discount": "e.discount",
            "total_discount_digits": "coalesce(e.discount_digits, 0)",
        },
        expressions
        | {"sku": Expression("l.sku"), "category": Expression("coalesce(k.categories, [''])", several=True)},
    )
