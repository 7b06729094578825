"""Answers questions about customers and the shop, each from one snapshot of the store.

A report is a module with `async def get_…_report(snapshot, project, request)`,
which begins with `resolve_scope(project, request.scope)` (see `storage.scope`),
and whose numbers carry tokens of `storage.explain`. Here each has one method
that gives it a snapshot; `rpc.ports.Reports`, the servicer and the client's
`shopalytic.Reports` have one of the same name.
"""

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage import customers, explain, sales, timeline
from shopalytic_server.storage.database import Pool
from shopalytic_server.storage.reading import reading


class Reports:
    """The reports of all projects. Every call may raise StoreUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get_customer(
        self, project: Project, request: reports_pb2.GetCustomerRequest
    ) -> reports_pb2.GetCustomerResponse:
        """Everything known of one customer; raises NotFound."""
        async with reading(self._pool) as snapshot:
            return await customers.get_customer(snapshot, _dataset(project, request), request)

    async def list_customers(
        self, project: Project, request: reports_pb2.ListCustomersRequest
    ) -> reports_pb2.ListCustomersResponse:
        """A page of identified customers; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await customers.list_customers(snapshot, _dataset(project, request), request)

    async def list_customer_events(
        self, project: Project, request: reports_pb2.ListCustomerEventsRequest
    ) -> reports_pb2.ListCustomerEventsResponse:
        """A page of one customer's timeline; raises NotFound and InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await timeline.list_customer_events(snapshot, _dataset(project, request), request)

    async def get_sales_report(
        self, project: Project, request: reports_pb2.GetSalesReportRequest
    ) -> reports_pb2.GetSalesReportResponse:
        """Sales per interval and currency; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await sales.get_sales_report(snapshot, project, request)

    async def list_events(
        self, project: Project, request: reports_pb2.ListEventsRequest
    ) -> reports_pb2.ListEventsResponse:
        """A page of the events behind a number; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await explain.list_events(snapshot, project, request)


def _dataset(
    project: Project,
    request: reports_pb2.GetCustomerRequest
    | reports_pb2.ListCustomersRequest
    | reports_pb2.ListCustomerEventsRequest,
) -> int:
    return 2 * project.project_id + request.sandbox
