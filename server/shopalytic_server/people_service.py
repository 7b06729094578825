"""Brings people the links by which they choose a password: by e-mail, or through who asked for one."""

from datetime import datetime
from html import escape
from uuid import uuid4

from shopalytic_server.domain.projects import Project
from shopalytic_server.notifications.mail import Mail, NotTaken
from shopalytic_server.rpc.people.ports import Invited

_NO_ADDRESS = "The letter could say no address: start the service with --public-url."


class LinkedInvitations:
    """Sends links where a mail server and the dashboard's address are known; else gives them back."""

    def __init__(self, public_url: str, mail: Mail | None) -> None:
        self._public_url = public_url.rstrip("/")
        self._mail = mail

    async def send(
        self, project: Project, email: str, token: str, ends_at: datetime, *, is_new: bool
    ) -> Invited:
        """Sends a link by e-mail, or says its address; `is_new`: the person has had no password yet."""
        # Behind the #, which browsers send to no server, so that it is in nobody's log.
        address = f"{self._public_url}/#choose-password={token}"
        if self._mail is None:
            return Invited(address)
        if not self._public_url:
            return Invited(address, failure=_NO_ADDRESS)
        subject, lines = _letter(project, ends_at, is_new=is_new)
        text = "\n\n".join([*lines, address]) + "\n"
        link = f'<p><a href="{escape(address)}">{escape(address)}</a></p>'
        html = "".join(f"<p>{escape(line)}</p>" for line in lines) + link
        try:
            await self._mail.send(str(uuid4()), email, subject, text, html)
        except NotTaken as failure:
            return Invited(address, failure=str(failure))
        return Invited("", mailed=True)


def _letter(project: Project, ends_at: datetime, *, is_new: bool) -> tuple[str, list[str]]:
    until = f"The link works once, until {ends_at:%Y-%m-%d %H:%M} UTC."
    if is_new:
        subject = f"You are invited to the numbers of {project.name}"
        return subject, [f"You may see the dashboard of {project.name}. Choose a password.", until]
    subject = f"Choose another password for {project.name}"
    first = f"Your password for the dashboard of {project.name} has ended. Choose another one."
    return subject, [first, until]
