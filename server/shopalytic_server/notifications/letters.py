"""Makes what is sent of a digest or an alert: one notification to each recipient."""

from datetime import datetime
from html import escape
from typing import Any

from shopalytic.v1 import notifications_pb2
from shopalytic_server.domain.notifications.judging import Found
from shopalytic_server.domain.notifications.letter import Letter
from shopalytic_server.domain.notifications.records import NewNotification
from shopalytic_server.domain.projects import Project


def of_digest(
    project: Project, digest: notifications_pb2.Digest, letter: Letter, secret: str, at: datetime
) -> list[NewNotification]:
    """The letters of a digest."""
    payload = {
        "kind": "digest",
        "project": project.name,
        "name": digest.name,
        "at": at.isoformat(),
        "subject": letter.subject,
        "text": letter.text,
    }
    return _to_all(project, digest.name, digest.recipients, letter, payload, secret)


def of_incident(
    project: Project,
    alert: notifications_pb2.Alert,
    found: Found,
    secret: str,
    at: datetime,
    address: str,
) -> list[NewNotification]:
    """The notifications of one incident."""
    lines = [
        found.sentence,
        f"This is told once; you hear again only after it was over. Alert: {alert.name}.",
    ]
    if address:
        lines.append(f"Dashboard: {address}")
    letter = Letter(
        " ".join(f"{project.name}, {alert.name}: {found.sentence}".split())[:200],
        "\n\n".join(lines) + "\n",
        "".join(f"<p>{escape(line)}</p>" for line in lines),
    )
    payload = {
        "kind": "alert",
        "project": project.name,
        "name": alert.name,
        "at": at.isoformat(),
        "report": alert.report,
        "number": alert.number,
        "value": found.value,
        "amount": f"{found.number:f}",
        "text": found.sentence,
    }
    return _to_all(project, alert.name, alert.recipients, letter, payload, secret)


def of_test(
    project: Project, alert: notifications_pb2.Alert, finding: str, secret: str, at: datetime
) -> list[NewNotification]:
    """Notifications that say that they are a test."""
    lines = [f"This is a test of the alert {alert.name}. Nothing has happened.", finding]
    letter = Letter(
        " ".join(f"{project.name}, test of {alert.name}".split())[:200],
        "\n\n".join(lines) + "\n",
        "".join(f"<p>{escape(line)}</p>" for line in lines),
    )
    payload = {
        "kind": "test",
        "project": project.name,
        "name": alert.name,
        "at": at.isoformat(),
        "text": finding,
    }
    return _to_all(project, alert.name, alert.recipients, letter, payload, secret)


def _to_all(
    project: Project,
    name: str,
    recipients: notifications_pb2.Recipients,
    letter: Letter,
    payload: dict[str, Any],
    secret: str,
) -> list[NewNotification]:
    by_mail = {"text": letter.text, "html": letter.html}
    by_webhook = {"payload": payload, "secret": secret}
    return [
        NewNotification(project.project_id, name, recipient, letter.subject, content)
        for recipients_of, content in ((recipients.emails, by_mail), (recipients.webhooks, by_webhook))
        for recipient in recipients_of
    ]
