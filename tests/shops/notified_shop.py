"""A shop with digests and alerts, and a clock that the test moves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shopalytic.v1 import notifications_pb2 as pb
from shopalytic_server.domain.notifications.mail_server import MailServer
from shopalytic_server.notifications.contents import DigestContents
from shopalytic_server.notifications.delivery import Delivery
from shopalytic_server.notifications.judged import Judging
from shopalytic_server.notifications.mail import Mail
from shopalytic_server.notifications.numbers import Numbers
from shopalytic_server.notifications.service import Notifications
from shopalytic_server.notifications.watch import Watch
from shopalytic_server.notifications.webhooks import Webhooks
from shopalytic_server.storage.notifications.store import NotificationStore
from shopalytic_server.storage.projects import Projects
from shops.report_shop import Shop
from standins.receivers import Mailbox


@dataclass
class Desk:
    """The calls of a shop's digests and alerts, and what sends them."""

    shop: Shop
    store: NotificationStore
    mailbox: Mailbox
    now: datetime
    to_private_addresses: bool = True

    def __post_init__(self) -> None:
        reports: Any = self.shop.reports
        contents = DigestContents(_Answering(reports), self.store, "https://analytics.shop.test")
        self.judging = judging = Judging(Numbers(_Answering(reports), self.store))
        self.calls = Notifications(self.store, contents, judging, lambda: self.now)
        server = MailServer.of(f"smtp://127.0.0.1:{self.mailbox.port}")
        webhooks = Webhooks(to_private_addresses=self.to_private_addresses)
        delivery = Delivery(self.store, Mail(server, "analytics@shop.test"), webhooks)
        projects = Projects(self.shop.pool)
        self.watch = Watch(self.store, projects, contents, judging, delivery, clock=lambda: self.now)

    async def ask(self, request: Any) -> Any:
        """What a call answers."""
        return await self.calls.answer(self.shop.project, request)

    async def round_at(self, moment: datetime) -> None:
        """The clock goes on, and what is due is done."""
        self.now = moment
        await self.watch.go_round()

    async def listed(self) -> list[pb.Notification]:
        """What was sent and waits, newest first."""
        return list((await self.ask(pb.ListNotificationsRequest())).notifications)


class _Answering:
    """The reports of the shop as a port."""

    def __init__(self, asked: Any) -> None:
        self._asked = asked

    async def answer(self, project: Any, request: Any) -> Any:
        """What the report answers."""
        return await self._asked.get_report(project, request)
