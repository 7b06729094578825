"""Who events belong to: identities, resets, and tracking ids before and after the first answer."""

from browser.tag.scripted_shop import Reply, accept, hang_up

TRACK = "shopalytic.track('customer_update', {first_name: 'Ann'})"


def test_after_identify_events_carry_the_identity_also_on_the_next_page(shop, visitor):
    shop.add_page("/", "shopalytic.identify('ann');", TRACK + ";")
    shop.add_page("/next")
    visitor.visit(shop.url())
    shop.until_stored(3)
    # What the first page had no answer to yet, this one sends again.
    visitor.visit(shop.url("/next"))
    assert [event.get("identity") for event in shop.until_stored(4)] == [None, "ann", "ann", "ann"]
    assert shop.stored[1]["properties"] == {"identity": "ann"}


def test_identify_and_track_identify_are_the_same(shop, visitor):
    shop.add_page("/", "shopalytic.track('identify', {identity: 'ann'});", TRACK + ";")
    visitor.visit(shop.url())
    shop.until_events(3)
    assert [event.get("identity") for event in shop.events] == [None, "ann", "ann"]


def test_an_identity_that_the_server_will_refuse_does_not_cost_later_events(shop, visitor):
    wrong = ["undefined", "null", "'guest'", "({})", "' Anonymous '", "'0'", "''", "'x'.repeat(201)"]
    shop.add_page("/", *[f"shopalytic.identify({value});" for value in wrong], TRACK + ";")
    visitor.visit(shop.url())
    shop.until_events(len(wrong) + 2)
    assert shop.types() == ["page_view", *["identify"] * len(wrong), "customer_update"]
    assert all("identity" not in event for event in shop.events)


def test_reset_forgets_the_identity_and_asks_for_a_new_visitor(shop, visitor):
    shop.add_page("/", "shopalytic.identify('ann');")
    visitor.visit(shop.url())
    shop.until_stored(2)
    visitor.run("shopalytic.reset()")
    shop.until(lambda: len(shop.requests) == 2 and shop.requests[1].answered, "the reset")
    visitor.run(f"return {TRACK}")
    before, reset, after = shop.requests
    assert reset.body["reset"] is True
    assert reset.events == []
    assert reset.body["tracking_id"] != before.body["tracking_id"]
    assert after.body["tracking_id"] == reset.body["tracking_id"]
    assert "identity" not in after.events[0]
    assert "reset" not in after.body


def test_events_before_a_reset_that_could_not_be_sent_stay_with_the_visitor_before(shop, visitor):
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_stored(1)
    first = shop.requests[0].body["tracking_id"]
    visitor.go_offline()
    visitor.run("shopalytic.identify('ann')")
    visitor.until_kept(1)
    visitor.run(f"shopalytic.reset(); {TRACK}")
    visitor.go_online()
    shop.until_stored(3)
    identify, after = shop.requests[1:]
    assert [event["tracking_id"] for event in identify.events] == [first]
    assert after.body["reset"] is True
    assert after.body["tracking_id"] != first
    assert "tracking_id" not in after.events[0]


def test_a_logout_that_leaves_the_page_reaches_the_server_from_the_next_one(shop, visitor):
    shop.add_page("/", "shopalytic.identify('ann');")
    shop.add_page("/next")
    visitor.visit(shop.url())
    shop.until_stored(2)
    shop.behave = hang_up
    visitor.run("shopalytic.reset(); location.assign('/next')")
    shop.until(lambda: any(sent.body.get("reset") for sent in shop.requests), "the reset")
    shop.behave = accept
    shop.until_stored(3)
    last = shop.requests[-1]
    assert last.body["reset"] is True
    assert last.body["tracking_id"] != shop.requests[0].body["tracking_id"]
    assert [event["type"] for event in last.events] == ["page_view"]
    assert "identity" not in last.events[0]


def test_a_first_visit_in_two_tabs_is_one_visitor(shop, visitor):
    shop.answer_gate.clear()
    shop.add_page("/")
    visitor.visit(shop.url())
    shop.until_events(1)
    visitor.new_tab()
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    shop.answer_gate.set()
    shop.until_stored(2)
    assert len({sent.body["tracking_id"] for sent in shop.requests}) == 1


def test_the_visitor_that_the_server_names_is_kept(shop, visitor):
    def known_elsewhere(sent):
        reply = accept(sent)
        reply.body["tracking_id"] = "of-another-subdomain"
        return reply

    shop.behave = known_elsewhere
    shop.add_page("/")
    visitor.visit(shop.url())
    visitor.until("Object.values(localStorage).includes('of-another-subdomain')")
    visitor.run(f"return {TRACK}")
    assert shop.requests[1].body["tracking_id"] == "of-another-subdomain"


def test_an_identity_remembered_from_before_ends_with_the_visitor_it_belonged_to(shop, visitor):
    shop.add_page("/", "shopalytic.identify('ann');")
    shop.add_page("/next")
    visitor.visit(shop.url())
    shop.until_stored(2)

    def logged_out_elsewhere(sent):
        reply = accept(sent)
        reply.body["tracking_id"] = "somebody-else"
        return reply

    shop.behave = logged_out_elsewhere
    visitor.visit(shop.url("/next"))
    visitor.until("Object.values(localStorage).includes('somebody-else')")
    visitor.run(f"return {TRACK}")
    assert "identity" not in shop.events[-1]


def test_a_signature_goes_with_the_identity_until_reset(shop, visitor):
    shop.add_page("/", "shopalytic.identify('ann', 'a1');", TRACK + ";", "shopalytic.alias('ann2', 'b2');")
    visitor.visit(shop.url())
    shop.until_stored(4)
    assert [event.get("identity_signature") for event in shop.events] == [None, "a1", "a1", "a1"]
    assert shop.events[3]["alias_signature"] == "b2"
    visitor.run("shopalytic.reset()")
    visitor.run(f"return {TRACK}")
    shop.until_events(5)
    assert "identity_signature" not in shop.events[4]


def expired(sent):
    """Refuses events with a signature as the server does when it has become too old."""
    reply = accept(sent)
    for event, result in zip(sent.events, reply.body["results"], strict=True):
        if {"identity", "identity_signature"} <= set(event):
            violation = {"field": "identity", "rule_id": "identity.signature_expired", "message": "Too old."}
            result.update(status="REJECTED", violations=[violation])
    return Reply(200, reply.headers, reply.body)


def test_an_identity_whose_signature_is_too_old_does_not_cost_later_events(shop, visitor):
    shop.add_page("/", "shopalytic.identify('ann', 'a1');")
    shop.add_page("/next", f"window.verdict = {TRACK};")
    visitor.visit(shop.url())
    shop.until_stored(2)
    shop.behave = expired
    visitor.visit(shop.url("/next"))
    assert visitor.run("return verdict")["violations"][0]["rule_id"] == "identity.signature_expired"
    assert visitor.run(f"return {TRACK}")["status"] == "ACCEPTED"
    assert "identity" not in shop.events[-1]
    visitor.visit(shop.url())
    shop.until(lambda: shop.types().count("identify") == 2, "the identity with a new signature")
    assert shop.events[-1]["identity"] == "ann"
