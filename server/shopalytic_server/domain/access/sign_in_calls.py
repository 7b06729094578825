"""The calls by which a gateway signs people in: they need no key, as the caller has none yet.

They are no part of the contract: gateway and server are of one product. Requests and answers are
google.protobuf.Struct. All answer with the status of the errors that the domain knows.
"""

SERVICE = "shopalytic.internal.SignIn"

SIGN_IN = "SignIn"
"""email, password, project ("": the first), user_agent → token, seconds, email, role, project, calls."""
CHOOSE_PASSWORD = "ChoosePassword"  # noqa: S105 - the name of a call
"""link, password, user_agent → the same."""
CHANGE_PASSWORD = "ChangePassword"  # noqa: S105 - the name of a call
"""token, password, new_password, user_agent → the same; all sessions from before end."""
WHO = "Who"
"""token → email, role, project, calls; UNAUTHENTICATED when the session has ended."""
SIGN_OUT = "SignOut"
"""token → nothing."""

METHODS = (SIGN_IN, CHOOSE_PASSWORD, CHANGE_PASSWORD, WHO, SIGN_OUT)


def path(method: str) -> str:
    """The path of a call."""
    return f"/{SERVICE}/{method}"
