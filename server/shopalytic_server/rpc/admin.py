"""AdminService: manages projects, keys, quarantine and merges. A key reaches its own project only."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

import grpc

from shopalytic.events.violations import Violation
from shopalytic.v1 import admin_pb2, admin_pb2_grpc
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import (
    DeniedConsent,
    IssuedKey,
    Key,
    KeyClass,
    Project,
    in_catalogue_order,
)
from shopalytic_server.rpc.access.auth import ADMIN_READING, ADMIN_SERVICE, Authenticator
from shopalytic_server.rpc.ports import DataStores, ProjectStore, Quarantine
from shopalytic_server.rpc.validation import (
    check_event_types,
    check_request,
    check_retention,
    check_time_zone,
)

Context = grpc.aio.ServicerContext[Any, Any]

DEFAULT_TIME_ZONE = "UTC"
# How long a replaced key goes on working.
DEFAULT_OVERLAP = timedelta(hours=24)

KEY_CLASSES: "dict[admin_pb2.KeyClass, KeyClass]" = {
    admin_pb2.KEY_CLASS_BROWSER: KeyClass.BROWSER,
    admin_pb2.KEY_CLASS_SERVER: KeyClass.SERVER,
    admin_pb2.KEY_CLASS_REPORTS: KeyClass.REPORTS,
    admin_pb2.KEY_CLASS_ADMIN: KeyClass.ADMIN,
}
_NUMBERS = {key_class: number for number, key_class in KEY_CLASSES.items()}
_DENIED_CONSENT: "dict[admin_pb2.DeniedConsent, DeniedConsent]" = {
    admin_pb2.DENIED_CONSENT_KEEP: DeniedConsent.KEEP,
    admin_pb2.DENIED_CONSENT_ANONYMIZE: DeniedConsent.ANONYMIZE,
    admin_pb2.DENIED_CONSENT_DROP: DeniedConsent.DROP,
}
_DENIED_CONSENT_NUMBERS = {policy: number for number, policy in _DENIED_CONSENT.items()}


class AdminServicer(admin_pb2_grpc.AdminServiceServicer):
    """Answers from the stores of projects, of quarantine, and of what cares for data."""

    def __init__(
        self,
        authenticator: Authenticator,
        projects: ProjectStore,
        quarantine: Quarantine,
        data_stores: DataStores,
    ) -> None:
        self._authenticator = authenticator
        self._projects = projects
        self._quarantine = quarantine
        self._data_stores = data_stores

    async def CreateProject(
        self, request: admin_pb2.CreateProjectRequest, context: Context
    ) -> admin_pb2.CreateProjectResponse:
        """A new project with a key of each class."""
        await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        time_zone = request.time_zone or DEFAULT_TIME_ZONE
        check_time_zone("time_zone", time_zone)
        project, keys = await self._projects.create_project(request.name, request.currency or None, time_zone)
        return admin_pb2.CreateProjectResponse(
            project=project_message(project), keys=[_issued_message(issued) for issued in keys]
        )

    async def GetProject(
        self, request: admin_pb2.GetProjectRequest, context: Context
    ) -> admin_pb2.GetProjectResponse:
        """The key's project, as it is now."""
        caller = await self._authenticator.admit(context, ADMIN_READING)
        project = await self._projects.get_project(caller.project.project_id)
        return admin_pb2.GetProjectResponse(project=project_message(project))

    async def UpdateProject(
        self, request: admin_pb2.UpdateProjectRequest, context: Context
    ) -> admin_pb2.UpdateProjectResponse:
        """Changes the key's project. Every server knows within five seconds."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        if request.HasField("time_zone"):
            check_time_zone("time_zone", request.time_zone)
        if request.signed_identify:
            _check_signable(await self._projects.get_project(caller.project.project_id))
        types = request.browser_event_types.types if request.HasField("browser_event_types") else None
        check_event_types("browser_event_types.types", types or ())
        if types and request.browser_event_types.default:
            message = "must be empty when browser_event_types.default is set"
            raise InvalidRequest([Violation("browser_event_types.types", "event_types.default", message)])
        check_retention("retention", request.retention)
        project = await self._projects.update_project(
            caller.project.project_id,
            time_zone=request.time_zone if request.HasField("time_zone") else None,
            currency=request.currency if request.HasField("currency") else None,
            browser_event_types=types,
            browser_event_types_as_default=request.browser_event_types.default,
            allowed_origins=request.allowed_origins.origins if request.HasField("allowed_origins") else None,
            own_user_agents=(
                request.own_user_agents.user_agents if request.HasField("own_user_agents") else None
            ),
            order_number_groups=_groups(request),
            respect_privacy_signals=(
                request.respect_privacy_signals if request.HasField("respect_privacy_signals") else None
            ),
            signed_identify=request.signed_identify if request.HasField("signed_identify") else None,
            denied_consent=_DENIED_CONSENT.get(request.denied_consent),
            retention={
                each.event_type: each.days if each.WhichOneof("keep") == "days" else None
                for each in request.retention
                if each.WhichOneof("keep")
            },
            retention_as_default=[
                each.event_type for each in request.retention if not each.WhichOneof("keep")
            ],
        )
        return admin_pb2.UpdateProjectResponse(project=project_message(project))

    async def CreateKey(
        self, request: admin_pb2.CreateKeyRequest, context: Context
    ) -> admin_pb2.CreateKeyResponse:
        """A new key of the project."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        issued = await self._projects.create_key(
            caller.project.project_id,
            KEY_CLASSES[request.key_class],
            request.label,
            request.expires_at.ToDatetime(UTC) if request.HasField("expires_at") else None,
        )
        return admin_pb2.CreateKeyResponse(key=_issued_message(issued))

    async def ListKeys(
        self, request: admin_pb2.ListKeysRequest, context: Context
    ) -> admin_pb2.ListKeysResponse:
        """The project's keys."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        keys = await self._projects.list_keys(caller.project.project_id)
        return admin_pb2.ListKeysResponse(keys=[key_message(key) for key in keys])

    async def RevokeKey(
        self, request: admin_pb2.RevokeKeyRequest, context: Context
    ) -> admin_pb2.RevokeKeyResponse:
        """Ends a key of the project."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        key = await self._projects.revoke_key(caller.project.project_id, UUID(request.key_id))
        return admin_pb2.RevokeKeyResponse(key=key_message(key))

    async def RotateIdentitySecret(
        self, request: admin_pb2.RotateIdentitySecretRequest, context: Context
    ) -> admin_pb2.RotateIdentitySecretResponse:
        """A new secret that identities are signed with."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        secret = await self._projects.rotate_identity_secret(
            caller.project.project_id, end_previous=request.end_previous
        )
        return admin_pb2.RotateIdentitySecretResponse(secret=secret)

    async def RotateKey(
        self, request: admin_pb2.RotateKeyRequest, context: Context
    ) -> admin_pb2.RotateKeyResponse:
        """A new key in another's place."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        overlap = request.overlap.ToTimedelta() if request.HasField("overlap") else DEFAULT_OVERLAP
        issued, old = await self._projects.rotate_key(
            caller.project.project_id, UUID(request.key_id), overlap
        )
        return admin_pb2.RotateKeyResponse(key=_issued_message(issued), replaced=key_message(old))

    async def ListQuarantine(
        self, request: admin_pb2.ListQuarantineRequest, context: Context
    ) -> admin_pb2.ListQuarantineResponse:
        """A page of the events that were not accepted."""
        caller = await self._authenticator.admit(context, ADMIN_READING)
        check_request(request)
        return await self._quarantine.list_quarantine(caller.project, request)

    async def GetQuarantinedEvent(
        self, request: admin_pb2.GetQuarantinedEventRequest, context: Context
    ) -> admin_pb2.GetQuarantinedEventResponse:
        """One event that was not accepted."""
        caller = await self._authenticator.admit(context, ADMIN_READING)
        check_request(request)
        return await self._quarantine.get_quarantined_event(caller.project, request)

    async def ReplayQuarantine(
        self, request: admin_pb2.ReplayQuarantineRequest, context: Context
    ) -> admin_pb2.ReplayQuarantineResponse:
        """Judges events of quarantine again."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        # By the settings of now: what a key's look-up remembers may be some seconds old.
        project = await self._projects.get_project(caller.project.project_id)
        return await self._data_stores.repairs.replay_quarantine(project, request)

    async def ListMerges(
        self, request: admin_pb2.ListMergesRequest, context: Context
    ) -> admin_pb2.ListMergesResponse:
        """A page of the journal of merges."""
        caller = await self._authenticator.admit(context, ADMIN_READING)
        check_request(request)
        return await self._data_stores.merges.list_merges(caller.project, request)

    async def UndoMerge(
        self, request: admin_pb2.UndoMergeRequest, context: Context
    ) -> admin_pb2.UndoMergeResponse:
        """Takes a merge back."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        return await self._data_stores.merges.undo_merge(caller.project, caller.key.key_id, request)

    async def ExportCustomer(
        self, request: admin_pb2.ExportCustomerRequest, context: Context
    ) -> AsyncGenerator[admin_pb2.ExportCustomerResponse, None]:
        """Everything that is held of a person."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        async with aclosing(self._data_stores.exports.export_customer(caller.project, request)) as answers:
            async for answer in answers:
                yield answer

    async def EraseCustomer(
        self, request: admin_pb2.EraseCustomerRequest, context: Context
    ) -> admin_pb2.EraseCustomerResponse:
        """Erases a person for good."""
        caller = await self._authenticator.admit(context, ADMIN_SERVICE)
        check_request(request)
        return await self._data_stores.erasures.erase_customer(caller.project, request)


def _check_signable(project: Project) -> None:
    if not project.identity_secrets:
        message = "the project has no identity secret yet; make one with RotateIdentitySecret first"
        raise InvalidRequest([Violation("signed_identify", "signed_identify.no_secret", message)])


def project_message(project: Project) -> admin_pb2.Project:
    """A project as the contract has it."""
    message = admin_pb2.Project(
        name=project.name,
        currency=project.currency,
        currency_open=project.currency_open,
        time_zone=project.time_zone,
        browser_event_types=in_catalogue_order(project.browser_event_types),
        browser_event_types_by_default=project.browser_event_types_by_default,
        allowed_origins=sorted(project.allowed_origins),
        own_user_agents=project.own_user_agents,
        order_number_groups=[admin_pb2.Sources(sources=group) for group in project.order_number_groups],
        respect_privacy_signals=project.respect_privacy_signals,
        signed_identify=project.signed_identify,
        denied_consent=_DENIED_CONSENT_NUMBERS[project.denied_consent],
    )
    for name, days in project.retention:
        message.retention.add(event_type=name, days=days, forever=None if days else True)
    message.created_at.FromDatetime(project.created_at)
    return message


def key_message(key: Key) -> admin_pb2.Key:
    """A key as the contract has it."""
    message = admin_pb2.Key(
        key_id=str(key.key_id), key_class=_NUMBERS[key.key_class], label=key.label, hint=key.hint
    )
    message.created_at.FromDatetime(key.created_at)
    for name in ("revoked_at", "expires_at", "last_used_at"):
        if (moment := getattr(key, name)) is not None:
            getattr(message, name).FromDatetime(moment)
    return message


def _issued_message(issued: IssuedKey) -> admin_pb2.CreatedKey:
    return admin_pb2.CreatedKey(key=key_message(issued.key), secret=issued.secret)


def _groups(request: admin_pb2.UpdateProjectRequest) -> list[list[str]] | None:
    """The groups of sources that are asked for, if any are; raises InvalidRequest."""
    if not request.HasField("order_number_groups"):
        return None
    groups = [list(dict.fromkeys(group.sources)) for group in request.order_number_groups.groups]
    named = [source for group in groups for source in group]
    if twice := sorted({source for source in named if named.count(source) > 1}):
        message = f"has {twice[0]!r} in two groups; a source numbers its orders with one group"
        raise InvalidRequest([Violation("order_number_groups.groups", "order_number_groups.unique", message)])
    return groups
