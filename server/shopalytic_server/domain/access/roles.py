"""What each role may call: one table of all calls that people may make.

A call without a row is refused to everybody who signs in by a password. Keys have classes instead, which
`rpc.access.auth` tells.
"""

from collections.abc import Mapping

from shopalytic_server.domain.access.people import Role

_OWNERS = frozenset({Role.OWNER})
_ALL = frozenset(Role)
_CUSTOMERS = frozenset({Role.OWNER, Role.SUPPORT})
_REPORTS = frozenset({Role.OWNER, Role.ANALYST, Role.VIEWER})
_NUMBERS = frozenset({Role.OWNER, Role.ANALYST})

_SERVICE = "shopalytic.v1."


def _rows(service: str, roles: frozenset[Role], names: str) -> dict[str, frozenset[Role]]:
    return {f"{_SERVICE}{service}/{name}": roles for name in names.split()}


CALLS: Mapping[str, frozenset[Role]] = {
    **_rows("AdminService", _ALL, "GetProject"),
    **_rows(
        "ReportService",
        _CUSTOMERS,
        "GetCustomer ListCustomers ListCustomerOrders ListCustomerEvents ListEvents",
    ),
    **_rows(
        "ReportService",
        _REPORTS,
        "GetSalesReport GetFunnelReport GetProductReport GetRetentionReport GetCartReport GetTrafficReport "
        "GetFulfilmentReport GetConversionReport GetCouponReport GetSegmentReport GetSearchReport "
        "GetLifetimeReport",
    ),
    **_rows("ReportService", _NUMBERS, "ListOrders GetDeliveryReport"),
    **_rows("ReportService", _OWNERS, "TailEvents"),
    **_rows(
        "AdminService",
        _OWNERS,
        "CreateProject UpdateProject CreateKey ListKeys RevokeKey RotateKey RotateIdentitySecret "
        "ListQuarantine GetQuarantinedEvent ReplayQuarantine ListMerges UndoMerge "
        "ExportCustomer EraseCustomer",
    ),
    **_rows(
        "NotificationService",
        _OWNERS,
        "SetDigest ListDigests DeleteDigest SendDigest SetAlert ListAlerts DeleteAlert TestAlerts "
        "ListNotifications",
    ),
    **_rows(
        "UserService",
        _OWNERS,
        "AddUser ListUsers UpdateUser RemoveUser ResetPassword ListSessions EndSessions ListAudit",
    ),
}
"""Who may make which call, by its path without the first "/"."""

SEE_PERSONS = _CUSTOMERS
"""Whose answers keep what is about one person; from those of others it is taken out."""


def may_call(role: Role, path: str) -> bool:
    """Whether a role may make a call, such as "shopalytic.v1.ReportService/GetCustomer"."""
    return role in CALLS.get(path, ())


def may_call_some(role: Role, service: str) -> bool:
    """Whether a role may make any call of a service, such as "shopalytic.v1.ReportService"."""
    return any(role in roles for path, roles in CALLS.items() if path.startswith(f"{service}/"))


def calls_of(role: Role) -> list[str]:
    """The calls that a role may make, without the package's name: "ReportService/GetCustomer"."""
    return sorted(path.removeprefix(_SERVICE) for path, roles in CALLS.items() if role in roles)
