"""The funnel report: how many customers go from step to step, and how long they take."""

from collections import defaultdict
from fractions import Fraction
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.shares import rounded, share
from shopalytic_server.storage.bases import everyone, of_customers, summed
from shopalytic_server.storage.campaigns import encoded_campaigns
from shopalytic_server.storage.explain import explain_token, register
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope, resolve_scope

_SQL = load("funnel")
_STEPS = _SQL.steps.replace("{chosen}", _SQL.chosen)
_PARTS = [of_customers(_STEPS, _SQL.live, "value", "step")]
register("funnel_step", everyone(_SQL.explain_step.replace("{chosen}", _SQL.chosen)))

DEFAULT_STEPS = ("product_view", "cart_add", "order")
DEFAULT_WINDOW = 7 * 24 * 3600

_SPLITS = {
    reports_pb2.FUNNEL_SPLIT_UNSPECIFIED: "",
    reports_pb2.FUNNEL_SPLIT_SOURCE: "source",
    reports_pb2.FUNNEL_SPLIT_CAMPAIGN: "campaign",
}


async def get_funnel_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetFunnelReportRequest
) -> reports_pb2.GetFunnelReportResponse:
    """Customers and median times per step; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    steps = list(request.steps) or [reports_pb2.FunnelStep(event_type=name) for name in DEFAULT_STEPS]
    question: dict[str, Any] = {
        "types": [step.event_type or "page_view" for step in steps],
        "page_types": [step.page_type for step in steps],
        "window": request.window_seconds or DEFAULT_WINDOW,
        "split": _SPLITS[request.split],
    }
    campaigns: dict[str, str] = {}
    if request.split == reports_pb2.FUNNEL_SPLIT_CAMPAIGN and question["types"][0] == "page_view":
        campaigns = await encoded_campaigns(snapshot, scope)
    [rows] = await summed(
        snapshot,
        scope,
        _PARTS,
        **question,
        encoded=list(campaigns),
        decoded=list(campaigns.values()),
    )
    found: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        found[row["value"]][row["step"]] = row
    values = sorted(found) if question["split"] else [""]
    return reports_pb2.GetFunnelReportResponse(
        funnels=[_funnel(scope, question, campaigns, value, found[value]) for value in values]
    )


def _funnel(
    scope: Scope, question: dict[str, Any], campaigns: dict[str, str], value: str, rows: dict[int, Any]
) -> reports_pb2.Funnel:
    funnel = reports_pb2.Funnel(value=value)
    # A token only needs the campaigns that say what this funnel is of.
    encoded = [each for each, campaign in campaigns.items() if campaign == value]
    first = rows[1]["customers"] if rows else 0
    for number, (type_, page_type) in enumerate(
        zip(question["types"], question["page_types"], strict=True), 1
    ):
        row = rows.get(number)
        customers = row["customers"] if row else 0
        funnel.steps.add(
            step=f"page_view:{page_type}" if page_type else type_,
            customers=customers,
            conversion=share(customers, first),
            median_seconds=_median(row) if row and number > 1 else "",
            explain=explain_token(
                scope,
                "funnel_step",
                **question,
                encoded=encoded,
                decoded=[value] * len(encoded),
                value=value,
                step=number,
            ),
        )
    return funnel


def _median(row: dict[str, Any]) -> str:
    microseconds = Fraction(sum(row["waits"].middle), 2)
    return rounded(microseconds / 1_000_000, 3)
