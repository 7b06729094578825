"""The laws of identity: the facts alone decide who is who, however the calls arrive."""

import copy
import itertools
import random
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.customers.identity import (
    Anchor,
    Fact,
    IdentityGraph,
    IdentityTaken,
    Outcome,
    identity_subject,
    tracking_subject,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
DEVICES = ("T0", "T1", "T2", "T3")
PEOPLE = ("P0", "P1", "P2")
FURTHER = ("A0", "A1", "A2")
# Nobody uses a further identity before all calls that gave it have happened.
USED_FROM = 10 * len(FURTHER)


def fact(second: float, number: int = 0, kind: str = "identify", tie_breaker: int | None = None) -> Fact:
    at = START + timedelta(seconds=second)
    return Fact(at, uuid5(NAMESPACE_OID, str(number)), at, kind, tie_breaker)


ties = st.sampled_from([None, None, 0, 1])


def moments(first: int, last: int) -> st.SearchStrategy[float]:
    """Few of them, so that calls meet in a second, or at a moment of it."""
    seconds = st.sampled_from(range(first, last + 1, 3))
    return st.tuples(seconds, st.sampled_from([0, 0, 0.5])).map(sum)


@st.composite
def calls(draw):
    """Calls as functions of a graph: identify on shared devices, and aliases that clash with nobody."""
    made = []
    # The ids are as good as random, so that they order equal times either way.
    ids = itertools.count(1_000 * draw(st.integers(0, 50)))
    for level, further in enumerate(FURTHER):
        names = (*PEOPLE, *FURTHER[:level])
        anchor = draw(
            st.sampled_from([Anchor(name, "") for name in names] + [Anchor("", device) for device in DEVICES])
        )
        times = draw(st.lists(st.tuples(moments(10 * level, 10 * level + 9), ties), max_size=2))
        made += [("alias", further, anchor, fact(at, next(ids), "alias", tie)) for at, tie in times]
    early = st.tuples(st.sampled_from(DEVICES), st.sampled_from(PEOPLE), moments(0, 40), ties)
    late = st.tuples(st.sampled_from(DEVICES), st.sampled_from(FURTHER), moments(USED_FROM, 40), ties)
    for device, name, at, tie in draw(st.lists(early | late, max_size=12)):
        made.append(("identify", name, Anchor("", device), fact(at, next(ids), tie_breaker=tie)))
    return made


def apply(graph, call):
    kind, name, anchor, stated = call
    if kind == "alias":
        return graph.alias(name, anchor, stated)
    return graph.identify(anchor.tracking_id, name, stated, has_past=False)


def graph_of(made):
    graph = IdentityGraph()
    for call in made:
        apply(graph, call)
    return graph


def state(graph):
    """Everything a graph says, and everything it would store."""
    return {
        "customers": graph.customers(),
        "owners": {device: graph.owner(device) for device in DEVICES},
        "links": graph.links,
        "aliases": graph.aliases,
        "first_at": graph.first_at,
    }


@given(calls(), st.randoms(use_true_random=False))
def test_any_order_with_any_repetition_gives_the_same_customers(made, chance: random.Random):
    again = made + chance.choices(made, k=chance.randint(0, len(made))) if made else []
    chance.shuffle(again)
    assert state(graph_of(again)) == state(graph_of(made))


@given(calls(), st.randoms(use_true_random=False))
def test_what_is_kept_up_with_each_call_is_what_the_facts_say(made, chance: random.Random):
    chance.shuffle(made)
    graph = IdentityGraph()
    for call in made:
        # Both questions begin to be kept up at some moment.
        if chance.random() < 0.7:
            state(graph)
        apply(graph, call)
        anew = copy.deepcopy(graph)
        anew.reset()
        kept = copy.deepcopy(graph)
        assert state(kept) == state(anew)


@given(calls())
def test_stating_everything_again_changes_and_stores_nothing(made):
    graph = graph_of(made)
    before = state(graph)
    graph.changed_links.clear()
    graph.changed_aliases.clear()
    for call in made:
        assert apply(graph, call) in (Outcome.ALREADY_LINKED, Outcome.NOT_MERGED)
    assert state(graph) == before
    assert not graph.changed_links
    assert not graph.changed_aliases


@given(calls())
def test_a_later_statement_of_a_known_link_stores_nothing(made):
    graph = graph_of(made)
    graph.changed_links.clear()
    for device, facts in list(graph.links.items()):
        for name in list(facts):
            assert graph.knows_link(device, name, fact(99))
            graph.identify(device, name, fact(99), has_past=True)
    assert not graph.changed_links


@given(calls())
def test_the_owner_of_a_device_is_whom_its_earliest_call_named(made):
    graph = graph_of(made)
    for device in DEVICES:
        stated = [(stated.order, name) for _, name, anchor, stated in made if anchor.tracking_id == device]
        assert graph.owner(device) == (min(stated)[1] if stated else None)


@given(calls())
def test_people_are_joined_by_aliases_only(made):
    """A computer that people share joins none of them."""
    graph = graph_of([call for call in made if call[0] == "identify"])
    named = {name for kind, name, _, _ in made if kind == "identify"}
    assert graph.customers() == {name: name for name in named}


@given(calls())
def test_customers_are_groups_with_one_member_that_stands_for_all(made):
    customers = graph_of(made).customers()
    for head in customers.values():
        assert customers[head] == head


def pair(call):
    _, name, anchor, _ = call
    return name, anchor


def groups(graph):
    """Which identities are one customer, of those that are joined to others at all."""
    members = {}
    for name, head in graph.customers().items():
        members.setdefault(head, set()).add(name)
    return {frozenset(names) for names in members.values() if len(names) > 1}


@given(calls(), st.data(), st.randoms(use_true_random=False))
def test_undoing_is_as_if_the_calls_had_never_been_made_in_any_order(made, data, chance: random.Random):
    undone = data.draw(st.sets(st.sampled_from(sorted({pair(call) for call in made})))) if made else set()
    expected = graph_of([call for call in made if pair(call) not in undone])
    # Whatever is undone is stated again afterwards too.
    steps = made + [("undo", *each, None) for each in undone]
    chance.shuffle(steps)
    graph = IdentityGraph()
    for step in steps + [call for call in made if pair(call) in undone]:
        if step[0] == "undo":
            graph.undo(step[1], step[2])
        else:
            apply(graph, step)
    assert groups(graph) == groups(expected)
    assert {device: graph.owner(device) for device in DEVICES} == {
        device: expected.owner(device) for device in DEVICES
    }


@given(calls(), st.data())
def test_a_call_that_was_undone_is_told_so_unless_others_join_the_same(made, data):
    if not made:
        return
    call = data.draw(st.sampled_from(made))
    graph = graph_of(made)
    graph.undo(*pair(call))
    _, name, anchor, _ = call
    other = anchor.identity or graph.owner(anchor.tracking_id)
    joined = other is not None and graph.customer(other) == graph.customer(name)
    assert apply(graph, call) is (Outcome.ALREADY_LINKED if joined else Outcome.UNDONE)


def test_a_device_whose_link_was_undone_can_be_anothers():
    graph = IdentityGraph()
    graph.identify("T", "I", fact(0), has_past=False)
    graph.undo("I", Anchor("", "T"))
    assert graph.owner("T") is None
    assert graph.identify("T", "J", fact(9), has_past=True) is Outcome.LINKED
    assert graph.owner("T") == "J"


def test_identifying_a_new_device_links_it():
    graph = IdentityGraph()
    assert graph.identify("T", "I", fact(0), has_past=False) is Outcome.LINKED
    assert graph.identify("T", "I", fact(1), has_past=True) is Outcome.ALREADY_LINKED
    assert graph.owner("T") == "I"


def test_a_second_device_with_a_past_is_merged_into_the_customer():
    graph = IdentityGraph()
    graph.identify("T", "I", fact(0), has_past=False)
    assert graph.identify("T2", "I", fact(1), has_past=True) is Outcome.MERGED
    assert (graph.owner("T"), graph.owner("T2")) == ("I", "I")


def test_a_shared_computer_stays_with_its_first_owner_and_merges_nobody():
    graph = IdentityGraph()
    graph.identify("T", "I", fact(1), has_past=False)
    assert graph.identify("T", "J", fact(2), has_past=True) is Outcome.NOT_MERGED
    assert graph.owner("T") == "I"
    assert graph.customer("I") != graph.customer("J")


def test_an_earlier_owner_that_arrives_late_takes_the_device_over():
    graph = IdentityGraph()
    graph.identify("T", "J", fact(2), has_past=False)
    graph.identify("T", "I", fact(1), has_past=True)
    assert graph.owner("T") == "I"
    assert graph.identify("T", "J", fact(2), has_past=True) is Outcome.NOT_MERGED


def test_calls_at_the_same_moment_are_ordered_by_their_ids():
    first, second = sorted((fact(1, 1), fact(1, 2)))
    for order in ([("I", first), ("J", second)], [("J", second), ("I", first)]):
        graph = IdentityGraph()
        for name, stated in order:
            graph.identify("T", name, stated, has_past=False)
        assert graph.owner("T") == "I"


def test_an_alias_names_the_customer_of_a_device():
    graph = IdentityGraph()
    graph.identify("T", "I", fact(0), has_past=False)
    assert graph.alias("I2", Anchor("", "T"), fact(1)) is Outcome.LINKED
    assert graph.customer("I2") == graph.customer("I") == "I"
    assert graph.alias("I2", Anchor("", "T"), fact(2)) is Outcome.ALREADY_LINKED


def test_an_alias_joins_what_hangs_on_both_sides():
    graph = IdentityGraph()
    graph.alias("B", Anchor("A", ""), fact(1))
    graph.alias("D", Anchor("C", ""), fact(1))
    graph.alias("C", Anchor("B", ""), fact(1))
    assert {graph.customer(name) for name in "ABCD"} == {"A"}


def test_an_identity_that_another_customer_used_before_is_refused_and_nothing_changes():
    graph = IdentityGraph()
    graph.seen("J", START, fact(0).order)
    graph.identify("T", "I", fact(0), has_past=False)
    before = state(graph)
    with pytest.raises(IdentityTaken):
        graph.alias("J", Anchor("I", ""), fact(5))
    assert state(graph) == before


@pytest.mark.parametrize(
    ("kind", "second", "is_before"),
    [
        ("identify", 0.4, True),
        ("customer_register", 0.4, True),
        # Whoever is named and orders in the same second was named first, whatever the clocks say;
        # and where clock and order of events do not agree, nothing is refused.
        ("identify", 0.5, False),
        ("identify", 0.9, False),
        ("order", 0, False),
        ("page_view", 0, False),
    ],
)
def test_within_a_second_the_order_of_events_tells_who_used_an_identity_before(kind, second, is_before):
    graph = IdentityGraph()
    used = fact(second, 1, kind)
    graph.seen("J", used.occurred_at, used.order)
    graph.identify("T", "I", fact(-5), has_past=False)
    if is_before:
        with pytest.raises(IdentityTaken):
            graph.alias("J", Anchor("I", ""), fact(0.5, 2, "alias"))
    else:
        assert graph.alias("J", Anchor("I", ""), fact(0.5, 2, "alias")) is Outcome.LINKED


def test_an_alias_that_was_accepted_before_is_accepted_again():
    graph = IdentityGraph()
    graph.seen("J", START, fact(0).order)
    graph.alias("J", Anchor("I", ""), fact(5), trusted=True)
    assert graph.customer("J") == graph.customer("I")


def test_subjects_are_equal_for_equal_names_and_never_mix_devices_with_people():
    assert identity_subject("x") == identity_subject("x") != tracking_subject("x")
    assert isinstance(tracking_subject("x"), UUID)
