"""Settings: where they come from, what they accept, and that they are documented."""

from dataclasses import fields
from pathlib import Path

import pytest

from shopalytic_server.config import TABLE, Settings, SettingsError, load, settings_table_markdown

SETTINGS_PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "settings.md"


def test_without_flags_and_variables_everything_has_its_default():
    assert load({}, {}) == Settings()


def test_a_flag_wins_over_the_environment():
    settings = load({"grpc_port": "7"}, {"SHOPALYTIC_GRPC_PORT": "8", "SHOPALYTIC_HTTP_PORT": "9"})
    assert (settings.grpc_port, settings.http_port) == (7, 9)


def test_a_flag_that_is_not_given_leaves_the_environment_in_force():
    assert load({"grpc_port": None}, {"SHOPALYTIC_GRPC_PORT": "8"}).grpc_port == 8


def test_an_empty_variable_counts_as_unset():
    assert load({}, {"SHOPALYTIC_GRPC_PORT": "", "SHOPALYTIC_DATABASE_URL": ""}) == Settings()


def test_a_path_is_made_absolute_and_the_home_directory_is_filled_in(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load({"data_dir": "~/shop"}, {}).data_dir == tmp_path / "shop"
    assert load({"data_dir": "here"}, {}).data_dir == tmp_path / "here"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("grpc_port", "65536"),
        ("grpc_port", "-1"),
        ("grpc_port", "http"),
        ("http_port", "8080.0"),
        ("currency", "eur"),
        ("currency", "EURO"),
        ("time_zone", "Berlin"),
        ("time_zone", "../etc/passwd"),
        ("max_pending_events", "0"),
        ("drain_timeout", "soon"),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("trusted_proxies", "yes"),
        ("collect_path", "collect"),
        ("collect_path", "/a b"),
        ("script_path", "/tag"),
        ("database_url", "host=a nonsense"),
    ],
)
@pytest.mark.parametrize("origin", ["flag", "variable"])
def test_a_value_that_cannot_be_used_is_told_with_its_origin(name, value, origin):
    info = TABLE[name]
    given = {name: value} if origin == "flag" else {}
    environ = {info.variable: value} if origin == "variable" else {}
    with pytest.raises(SettingsError, match=f"^{getattr(info, origin)}") as caught:
        load(given, environ)
    assert str(caught.value).endswith(".")


def test_a_database_address_that_cannot_be_used_is_not_repeated():
    with pytest.raises(SettingsError) as caught:
        load({}, {"SHOPALYTIC_DATABASE_URL": "postgresql://shop:s3cret@db:port:5432?x"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://", "postgresql://shop@db.example/shop", "dbname=shop", "service=shop"]
)
def test_a_database_address_may_leave_the_rest_to_libpq(url):
    assert load({"database_url": url}, {}).database_url == url


def test_every_setting_has_a_flag_a_variable_and_a_sentence():
    assert set(TABLE) == {field.name for field in fields(Settings)}
    for info in TABLE.values():
        assert info.flag == "--" + info.name.replace("_", "-")
        assert info.variable == "SHOPALYTIC_" + info.name.upper()
        assert info.help.endswith(".")


def test_the_table_has_a_row_for_every_setting_and_no_machines_path():
    table = settings_table_markdown()
    for info in TABLE.values():
        assert f"| `{info.flag}` | `{info.variable}` |" in table
    assert str(Path.home()) not in table


def test_the_readme_has_the_table_of_settings():
    assert settings_table_markdown() in SETTINGS_PAGE.read_text()
