"""The visitor's choice: events wait for it, and what is sent and remembered of those who deny."""

from uuid import uuid4

import psycopg
import pytest

from browser.tag.scripted_shop import COOKIE, KEY, accept, hang_up
from browser.tag.site import Site
from running.running_service import Service
from shopalytic.v1 import admin_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub

POLICIES = ("keep", "anonymize", "drop")
SENT = "performance.getEntriesByType('resource').filter(({name}) => name.includes('/collect')).length"
STORED = "return Object.keys(localStorage).filter((key) => key.startsWith('shopalytic')).length"
TRACK = "shopalytic.track('product_view', {sku: 's', name: 'Thing', price: 9.99})"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def browser_keys(service):
    """The browser key of a project of each policy."""
    keys = {}
    with service.channel() as channel:
        admin = AdminServiceStub(channel)
        for policy in POLICIES:
            request = admin_pb2.CreateProjectRequest(name=policy)
            made = admin.CreateProject(request, metadata=service.metadata("admin"))
            browser, *_, own_admin = (key.secret for key in made.keys)
            update = admin_pb2.UpdateProjectRequest(denied_consent=f"DENIED_CONSENT_{policy.upper()}")
            admin.UpdateProject(update, metadata=(("authorization", f"Bearer {own_admin}"),))
            keys[policy] = browser
    return keys


class Project(Site):
    """A shop with the project of a policy, whose events of one test are known by their source."""

    def __init__(self, shop, service, keys, policy):
        super().__init__(shop, service)
        self.policy = policy
        self.key = keys[policy]
        self.source = str(uuid4())

    def add(self, *calls, consent):
        """The page, with this consent given to `init`."""
        self.add_page("/", *calls, options=f"{{consent: '{consent}', source: '{self.source}'}}")

    def ask(self, wanted):
        """These columns of each event, in order."""
        with psycopg.connect(self.service.ready["database_url"]) as store:
            query = f"SELECT {wanted} FROM events WHERE source = %s ORDER BY occurred_at"
            return store.execute(query, [self.source]).fetchall()

    def stored(self):
        """Each event: its type, consent, and whether it is somebody's."""
        return self.ask("type, context->>'analytics_consent', tracking_id NOT LIKE 'anonymous-%%'")


@pytest.fixture
def project(shop, service, browser_keys, request):
    return Project(shop, service, browser_keys, request.param)


every_policy = pytest.mark.parametrize("project", POLICIES, indirect=True)
of_nobody = pytest.mark.parametrize("project", ["anonymize", "drop"], indirect=True)


def cookies(project, visitor):
    return [name for name in visitor.cookies(project.gateway("www.shop.test")) if name == COOKIE]


@every_policy
def test_who_agrees_is_counted_and_known_again(project, visitor):
    project.add(consent="granted")
    visitor.visit(project.url("/"))
    assert visitor.run(f"return {TRACK}")["status"] == "ACCEPTED"
    assert project.stored() == [("page_view", "granted", True), ("product_view", "granted", True)]
    assert cookies(project, visitor)


@every_policy
def test_while_the_choice_is_not_known_nothing_is_sent_and_nothing_stored(project, visitor):
    project.add(f"window.verdict = {TRACK};", consent="pending")
    visitor.visit(project.url("/"))
    visitor.until("shopalytic.version")
    visitor.run("shopalytic.identify('ann'); dispatchEvent(new Event('online')); shopalytic.reset()")
    assert (visitor.run(f"return {SENT}"), visitor.run(STORED), cookies(project, visitor)) == (0, 0, [])
    visitor.run("shopalytic.consent('granted')")
    assert visitor.run("return verdict")["status"] == "ACCEPTED"
    assert project.stored()[:2] == [("page_view", "granted", True), ("product_view", "granted", True)]


@every_policy
def test_what_waited_for_a_choice_carries_the_choice(project, visitor):
    project.add(f"window.verdict = {TRACK};", consent="pending")
    visitor.visit(project.url("/"))
    visitor.until("shopalytic.version")
    visitor.run("shopalytic.consent('denied')")
    status = visitor.run("return verdict")["status"]
    assert status == ("REJECTED" if project.policy == "drop" else "ACCEPTED")
    kept = project.policy == "keep"
    found = [("page_view", "denied", kept), ("product_view", "denied", kept)]
    assert project.stored() == (found if project.policy != "drop" else [])


@every_policy
def test_who_denies_is_treated_as_the_project_says(project, visitor):
    project.add(consent="denied")
    visitor.visit(project.url("/"))
    first = visitor.run(f"return {TRACK}")
    later = visitor.run(f"return {TRACK}")
    named = visitor.run("return shopalytic.identify('ann')")
    if project.policy == "drop":
        assert {verdict["violations"][0]["rule_id"] for verdict in (first, later, named)} == {
            "privacy.consent"
        }
        assert visitor.run(f"return {SENT}") == 1
        assert project.stored() == []
    elif project.policy == "anonymize":
        assert (first["status"], later["status"], named["status"]) == ("ACCEPTED", "ACCEPTED", "REJECTED")
        assert visitor.run(f"return {SENT}") == 2
        assert {whose for _, _, whose in project.stored()} == {False}
    else:
        assert {verdict["status"] for verdict in (first, later, named)} == {"ACCEPTED"}
        assert {whose for _, _, whose in project.stored()} == {True}
    assert cookies(project, visitor) == []
    assert bool(visitor.run(STORED)) == (project.policy == "keep")


@pytest.mark.parametrize("project", ["keep"], indirect=True)
def test_where_the_project_keeps_who_denied_is_the_same_visitor_on_the_next_page(project, visitor):
    project.add(consent="denied")
    visitor.visit(project.url("/"))
    visitor.run(f"return {TRACK}")
    visitor.run("return shopalytic.identify('keeper')")
    visitor.visit(project.url("/"))
    visitor.run(f"return {TRACK}")
    found = project.ask("tracking_id")
    assert (len(found), len(set(found))) == (5, 1)


@of_nobody
def test_who_takes_consent_back_is_forgotten(project, visitor):
    project.add(consent="granted")
    visitor.visit(project.url("/"))
    visitor.run("return shopalytic.identify('ann')")
    assert cookies(project, visitor)
    visitor.run("shopalytic.consent('denied')")
    visitor.run(f"return {TRACK}")
    assert (visitor.run(STORED), cookies(project, visitor)) == (0, [])
    assert [whose for type_, _, whose in project.stored() if type_ == "product_view"] in ([], [False])


@pytest.mark.parametrize("project", ["drop"], indirect=True)
def test_who_agrees_later_is_counted_on_this_page_from_then_on(project, visitor):
    project.add(consent="denied")
    visitor.visit(project.url("/"))
    assert visitor.run(f"return {TRACK}")["status"] == "REJECTED"
    visitor.run("shopalytic.consent('granted')")
    assert visitor.run(f"return {TRACK}")["status"] == "ACCEPTED"
    assert project.stored() == [("page_view", "granted", True), ("product_view", "granted", True)]
    assert cookies(project, visitor)


def answer(policy):
    def reply(sent):
        answered = accept(sent)
        answered.headers.pop("set-cookie")
        answered.body["denied_consent"] = policy
        return answered

    return reply


def test_of_an_anonymous_visitor_no_request_tells_who_it_is(shop, visitor):
    shop.behave = answer("anonymize")
    shop.add_page("/", "shopalytic.identify('ann', 'signed');", options="{consent: 'denied'}")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.run(f"return {TRACK}")
    visitor.run(f"return {TRACK}")
    for sent in shop.requests[1:]:
        assert "tracking_id" not in sent.body
        assert "cookie" not in sent.headers
    for event in shop.events:
        assert not {"tracking_id", "identity", "identity_signature"} & set(event)
        assert event["context"]["analytics_consent"] == "denied"


def test_what_an_anonymous_visitor_could_not_send_is_not_stored_but_sent_by_this_page(shop, visitor):
    shop.behave = answer("anonymize")
    shop.add_page("/", options="{consent: 'denied'}")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.run(f"return {TRACK}")
    shop.behave = hang_up
    visitor.run(f"window.verdict = {TRACK}")
    shop.until(lambda: len(shop.requests) >= 3, "an attempt")
    assert visitor.run(STORED) == 0
    shop.behave = answer("anonymize")
    assert visitor.run("return verdict")["status"] == "ACCEPTED"


def test_an_older_server_that_says_nothing_of_its_policy_is_taken_for_one_that_keeps_nobody(shop, visitor):
    shop.add_page("/", options="{consent: 'denied'}")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.run(f"return {TRACK}")
    assert "tracking_id" not in shop.requests[-1].body
    assert visitor.run(STORED) == 0


def test_a_new_init_does_not_forget_the_choice(shop, visitor):
    shop.add_page("/", options="{consent: 'granted'}")
    visitor.visit(shop.url())
    shop.until_stored(1)
    visitor.run(f"shopalytic.init('{KEY}', {{source: 'again'}})")
    visitor.run(f"return {TRACK}")
    event = shop.events[-1]
    assert (event["source"], event["context"]["analytics_consent"]) == ("again", "granted")


def test_consent_before_the_script_has_loaded_is_done_at_its_place(shop, visitor):
    shop.script_gate.clear()
    shop.add_page("/", TRACK + ";", "shopalytic.consent('granted');", options="{consent: 'pending'}")
    visitor.visit(shop.url())
    shop.script_gate.set()
    shop.until_stored(2)
    assert {event["context"]["analytics_consent"] for event in shop.events} == {"granted"}
