"""Puts together what sends digests and alerts: in each process that answers gRPC; one of them sends."""

from shopalytic_server.config import Settings, SettingsError
from shopalytic_server.domain.notifications.mail_server import MailServer
from shopalytic_server.notifications.contents import DigestContents
from shopalytic_server.notifications.delivery import Delivery
from shopalytic_server.notifications.judged import Judging
from shopalytic_server.notifications.mail import Mail
from shopalytic_server.notifications.numbers import Numbers
from shopalytic_server.notifications.ports import Reports
from shopalytic_server.notifications.service import Notifications
from shopalytic_server.notifications.watch import Watch
from shopalytic_server.notifications.webhooks import Webhooks
from shopalytic_server.process.signals import Lifecycle
from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.notifications.store import NotificationStore
from shopalytic_server.storage.projects import Projects


def start_notifications(
    settings: Settings,
    pool: Pool,
    own_session_url: str,
    reports: Reports,
    lifecycle: Lifecycle,
) -> Notifications:
    """Starts what sends, and gives what answers the calls. Raises SettingsError."""
    store = NotificationStore(pool, own_session_url)
    contents = DigestContents(reports, store, settings.public_url)
    judging = Judging(Numbers(reports, store))
    webhooks = Webhooks(to_private_addresses=settings.webhooks_to_private_addresses == "on")
    delivery = Delivery(store, mail_of(settings), webhooks)
    watch = Watch(store, Projects(pool), contents, judging, delivery, address=settings.public_url)
    watch.start()
    lifecycle.ends_in_order(watch.stop)
    return Notifications(store, contents, judging, on_queued=watch.hurry)


def mail_of(settings: Settings) -> Mail | None:
    """What sends letters, if the settings name a mail server. Raises SettingsError."""
    if bool(settings.smtp_url) != bool(settings.mail_from):
        raise SettingsError("--smtp-url and --mail-from belong together: give both, or none.")
    return Mail(MailServer.of(settings.smtp_url), settings.mail_from) if settings.smtp_url else None
