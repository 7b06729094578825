"""Answers the calls of NotificationService."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.message import Message

from shopalytic.events.violations import Violation
from shopalytic.v1 import notifications_pb2 as pb
from shopalytic_server.domain.errors import InvalidRequest, NotFound
from shopalytic_server.domain.notifications.letter import write
from shopalytic_server.domain.notifications.records import StoredAlert
from shopalytic_server.domain.notifications.schedule import covered, next_due
from shopalytic_server.domain.projects import Project
from shopalytic_server.notifications.contents import DigestContents
from shopalytic_server.notifications.judged import Judging
from shopalytic_server.notifications.letters import of_digest, of_test
from shopalytic_server.notifications.messages import (
    alert_message,
    answered_alert,
    answered_digest,
    digest_message,
    hour_of,
    incident,
    is_weekly,
    kept,
)
from shopalytic_server.notifications.numbers import check_numbers
from shopalytic_server.notifications.ports import NotificationStore
from shopalytic_server.notifications.webhooks import read_address


class Notifications:
    """Sets, lists, tests and sends digests and alerts of a project."""

    def __init__(
        self,
        store: NotificationStore,
        contents: DigestContents,
        judging: Judging,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_queued: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_queued` is called when a caller has put something into the queue."""
        self._store = store
        self._contents = contents
        self._judging = judging
        self._clock = clock
        self._on_queued = on_queued
        self._answers: Mapping[type[Message], Callable[[Project, Any], Awaitable[Message]]] = {
            pb.SetDigestRequest: self._set_digest,
            pb.ListDigestsRequest: self._list_digests,
            pb.DeleteDigestRequest: self._delete_digest,
            pb.SendDigestRequest: self._send_digest,
            pb.SetAlertRequest: self._set_alert,
            pb.ListAlertsRequest: self._list_alerts,
            pb.DeleteAlertRequest: self._delete_alert,
            pb.TestAlertsRequest: self._test_alerts,
            pb.ListNotificationsRequest: self._store.list_notifications,
        }

    async def answer(self, project: Project, request: Message) -> Message:
        """What the call with this request answers; raises InvalidRequest, NotFound, Unavailable."""
        return await self._answers[type(request)](project, request)

    async def _set_digest(self, project: Project, request: pb.SetDigestRequest) -> pb.SetDigestResponse:
        digest = request.digest
        _check_recipients("digest", digest.recipients)
        zone = ZoneInfo(project.time_zone)
        due = next_due(zone, hour_of(digest), weekly=is_weekly(digest), after=self._clock())
        # Asked for once, so that a filter which no report takes is told now.
        await self._contents.of(project, digest, covered(zone, due, weekly=False))
        stored = await self._store.set_digest(project.project_id, digest.name, kept(digest), due)
        return pb.SetDigestResponse(digest=answered_digest(stored, with_secret=True))

    async def _list_digests(self, project: Project, _request: Any) -> pb.ListDigestsResponse:
        stored = await self._store.list_digests(project.project_id)
        return pb.ListDigestsResponse(digests=[answered_digest(each) for each in stored])

    async def _delete_digest(
        self, project: Project, request: pb.DeleteDigestRequest
    ) -> pb.DeleteDigestResponse:
        await self._store.delete_digest(project.project_id, request.name)
        return pb.DeleteDigestResponse()

    async def _send_digest(self, project: Project, request: pb.SendDigestRequest) -> pb.SendDigestResponse:
        secret = ""
        if request.name:
            stored = await self._store.find_digest(project.project_id, request.name)
            digest, secret = digest_message(stored.content), stored.webhook_secret
        elif request.dry_run:
            digest = pb.Digest()
        else:
            message = "names no digest; name one, or ask for dry_run to see the usual one"
            raise InvalidRequest([Violation("name", "digest.name", message)])
        moment = self._clock()
        asked = covered(ZoneInfo(project.time_zone), moment, weekly=is_weekly(digest))
        letter = write(await self._contents.of(project, digest, asked))
        response = pb.SendDigestResponse(subject=letter.subject, text=letter.text, html=letter.html)
        if not request.dry_run:
            letters = of_digest(project, digest, letter, secret, moment)
            await self._store.queue(letters, moment)
            response.queued = len(letters)
            self._on_queued()
        return response

    async def _set_alert(self, project: Project, request: pb.SetAlertRequest) -> pb.SetAlertResponse:
        alert = request.alert
        _check_recipients("alert", alert.recipients)
        check_numbers(alert)
        if alert.HasField("shop_hours") and alert.shop_hours.from_hour >= alert.shop_hours.to_hour:
            message = "must be later than from_hour"
            raise InvalidRequest([Violation("alert.shop_hours.to_hour", "shop_hours.order", message)])
        moment = self._clock()
        await self._judging.check(project, alert, moment)
        stored = await self._store.set_alert(project.project_id, alert.name, kept(alert), moment)
        return pb.SetAlertResponse(alert=answered_alert(stored, [], with_secret=True))

    async def _list_alerts(self, project: Project, _request: Any) -> pb.ListAlertsResponse:
        incidents = await self._store.open_incidents(project.project_id)
        stored = await self._store.list_alerts(project.project_id)
        return pb.ListAlertsResponse(alerts=[answered_alert(each, incidents) for each in stored])

    async def _delete_alert(self, project: Project, request: pb.DeleteAlertRequest) -> pb.DeleteAlertResponse:
        await self._store.delete_alert(project.project_id, request.name)
        return pb.DeleteAlertResponse()

    async def _test_alerts(self, project: Project, request: pb.TestAlertsRequest) -> pb.TestAlertsResponse:
        response = pb.TestAlertsResponse()
        for stored in await self._alerts(project, request.name):
            alert, moment = alert_message(stored.content), self._clock()
            try:
                judgement = await self._judging.of(project, alert, moment)
            except InvalidRequest as error:
                response.tests.add(name=alert.name, finding=f"Not judged: {error}")
                continue
            finding = judgement.sentence if judgement else "Not judged: these are no hours of the shop."
            found = judgement.found if judgement else ()
            response.tests.add(
                name=alert.name,
                finding=finding,
                incidents=[incident(each.value, f"{each.number:f}", moment) for each in found],
            )
            if request.send_test:
                letters = of_test(project, alert, finding, stored.webhook_secret, moment)
                await self._store.queue(letters, moment)
                response.queued += len(letters)
        if response.queued:
            self._on_queued()
        return response

    async def _alerts(self, project: Project, name: str) -> list[StoredAlert]:
        stored = await self._store.list_alerts(project.project_id)
        if not name:
            return stored
        if named := [each for each in stored if each.name == name]:
            return named
        raise NotFound(f"No alert is named {name!r}; list them to see their names.")


def _check_recipients(path: str, recipients: pb.Recipients) -> None:
    if not recipients.emails and not recipients.webhooks:
        message = "has no address; give an e-mail address or a webhook"
        raise InvalidRequest([Violation(f"{path}.recipients", "recipients.some", message)])
    for index, url in enumerate(recipients.webhooks):
        try:
            read_address(url)
        except ValueError as error:
            field = f"{path}.recipients.webhooks[{index}]"
            raise InvalidRequest([Violation(field, "recipients.webhook", str(error))]) from None
