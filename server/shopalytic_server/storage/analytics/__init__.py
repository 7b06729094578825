"""The schema `analytics`: documented views for people who write SQL, and the roles that read them."""

from shopalytic_server.storage.analytics.roles import Granted, Role, grant, listed, revoke
from shopalytic_server.storage.analytics.views import SCHEMA, ensure_views

__all__ = ["SCHEMA", "Granted", "Role", "ensure_views", "grant", "listed", "revoke"]
