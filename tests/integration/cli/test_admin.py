"""`shopalytic project` and `key`, against a running service."""

import json

import pytest

from running.running_service import Service, ask, folder

CLASSES = ["browser", "server", "reports", "admin"]


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path, "--currency", "EUR") as running:
        yield running


def test_the_default_project_has_the_settings_of_its_first_start(service):
    shown = service.json("project", "show")
    assert (shown["name"], shown["currency"], shown["time_zone"]) == ("default", "EUR", "UTC")
    assert "page_view" in shown["browser_event_types"]
    assert "refund" not in shown["browser_event_types"]


def test_a_project_is_created_with_a_key_of_each_class(service):
    made = service.json("project", "create", "outlet", "--currency", "GBP", "--time-zone", "Europe/London")
    assert made["project"]["name"] == "outlet"
    assert [key["key_class"] for key in made["keys"]] == CLASSES
    admin = made["keys"][3]["secret"]
    shown = ask("project", "show", "--target", service.address, "--key", admin, "--json")
    assert json.loads(shown.stdout) == made["project"]


def test_a_name_that_is_taken_is_told(service):
    done = service.command("project", "create", "default")
    assert done.returncode == 1
    assert "exists already" in done.stderr


def test_a_refused_field_is_named(service):
    done = service.command("project", "create", "Not A Name", "--currency", "euro")
    assert done.returncode == 1
    assert "name" in done.stderr
    assert "currency" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_of_a_project_are_changed_one_by_one(service):
    made = service.json("project", "create", "changing")
    admin = ("--target", service.address, "--key", made["keys"][3]["secret"], "--json")
    ask("project", "update", "--time-zone", "Asia/Tokyo", *admin)
    ask("project", "update", "--browser-event-types", "page_view, identify", *admin)
    shown = json.loads(ask("project", "show", *admin).stdout)
    assert shown["time_zone"] == "Asia/Tokyo"
    assert shown["browser_event_types"] == ["page_view", "identify"]
    ask("project", "update", "--browser-event-types", "", *admin)
    assert json.loads(ask("project", "show", *admin).stdout)["browser_event_types"] == []
    ask("project", "update", "--browser-event-types", "default", *admin)
    shown = json.loads(ask("project", "show", *admin).stdout)
    assert shown["browser_event_types_by_default"]
    assert "order" in shown["browser_event_types"]


def test_groups_of_sources_that_number_orders_apart_are_set_and_ended(service):
    made = service.json("project", "create", "numbering")
    admin = ("--target", service.address, "--key", made["keys"][3]["secret"], "--json")
    groups = ("--order-number-group", "shop-fr, backend-fr", "--order-number-group", "pos")
    ask("project", "update", *groups, *admin)
    shown = json.loads(ask("project", "show", *admin).stdout)
    assert shown["order_number_groups"] == [["shop-fr", "backend-fr"], ["pos"]]
    update = ("project", "update", "--target", service.address, "--key", made["keys"][3]["secret"])
    twice = service.command(*update, "--order-number-group", "pos,a", "--order-number-group", "pos")
    assert twice.returncode == 1
    assert "two groups" in twice.stderr
    ask("project", "update", "--order-number-group", "", *admin)
    assert json.loads(ask("project", "show", *admin).stdout)["order_number_groups"] == []


def test_an_update_of_nothing_is_wrong_usage(service):
    done = service.command("project", "update")
    assert done.returncode == 2
    assert "Nothing to change" in done.stderr


def test_a_key_is_made_listed_and_ended(service):
    made = service.json("key", "create", "server", "--label", "checkout")
    assert made["secret"].startswith("shop_server_")
    listed = {key["key_id"]: key for key in service.json("key", "list")["keys"]}
    mine = listed[made["key_id"]]
    assert (mine["label"], mine["key_class"], mine["revoked_at"]) == ("checkout", "server", None)
    assert made["secret"].startswith(mine["hint"])
    assert made["secret"] not in json.dumps(listed)
    assert service.json("key", "revoke", made["key_id"])["revoked_at"] is not None


def test_a_key_is_replaced_without_a_gap(service):
    made = service.json("key", "create", "server", "--label", "till", "--expires-at", "2090-01-31")
    assert made["expires_at"] == "2090-01-31T00:00:00Z"
    new = service.json("key", "rotate", made["key_id"], "--overlap-hours", "48")
    assert new["secret"] != made["secret"]
    assert (new["label"], new["key_class"], new["expires_at"]) == ("till", "server", None)
    assert new["replaced"]["key_id"] == made["key_id"]
    assert new["replaced"]["expires_at"] < made["expires_at"]
    done = service.command("key", "rotate", made["key_id"])
    assert "The old key works until" in done.stdout
    assert "shown this once" in done.stdout


def test_a_kept_key_that_is_replaced_is_kept_in_its_new_form(service):
    listed = service.json("key", "list")["keys"]
    kept = next(key for key in listed if service.ready["keys"]["server"].startswith(key["hint"]))
    new = service.json("key", "rotate", kept["key_id"])
    assert ask("key", "show", "server", "--data-dir", service.data_dir).stdout == new["secret"] + "\n"
    service.ready["keys"]["server"] = new["secret"]


def test_a_person_sees_a_new_secret_once(service):
    done = service.command("key", "create", "reports")
    assert "shown this once" in done.stdout
    assert "shop_reports_" in done.stdout


@pytest.mark.parametrize("key_class", CLASSES)
def test_a_kept_secret_is_printed_for_other_programs(service, key_class):
    done = ask("key", "show", key_class, "--data-dir", service.data_dir)
    assert (done.returncode, done.stdout) == (0, service.ready["keys"][key_class] + "\n")


def test_a_secret_that_is_not_kept_is_told(tmp_path):
    done = ask("key", "show", "server", "--data-dir", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "No key of class server" in done.stderr


def test_an_unknown_class_is_wrong_usage(service):
    done = service.command("key", "create", "root")
    assert done.returncode == 2


def test_an_unknown_key_is_told(service):
    done = service.command("key", "revoke", "00000000-0000-7000-8000-000000000000")
    assert done.returncode == 1
    assert "no such key" in done.stderr


def test_a_key_of_another_class_is_refused_with_the_right_one_named(service):
    done = service.command("key", "list", "--key", service.ready["keys"]["reports"])
    assert done.returncode == 1
    assert "class admin" in done.stderr


@pytest.mark.parametrize("command", [["project", "show"], ["key", "list"]])
def test_people_get_a_table(service, command):
    done = service.command(*command)
    assert done.returncode == 0
    assert "{" not in done.stdout
