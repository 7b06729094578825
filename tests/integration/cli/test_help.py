"""Every command explains itself, and the exit codes are what the root says."""

import click
import pytest
from click.testing import CliRunner

from shopalytic_server import config
from shopalytic_server.cli.root import COMMANDS, shopalytic


def commands(group, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(shopalytic)), ids=lambda value: str(value))
def test_each_command_has_help_with_an_example(path, command):
    done = CliRunner().invoke(shopalytic, [*path, "--help"])
    assert done.exit_code == 0
    assert "Example:  " in done.output
    assert f"shopalytic {' '.join(path)}" in done.output.partition("Example:")[2] or isinstance(
        command, click.Group
    )


def test_each_setting_is_an_option_of_some_command():
    flags = {flag for _, command in commands(shopalytic) for each in command.params for flag in each.opts}
    assert {info.flag for info in config.TABLE.values()} <= flags


def test_the_commands_are_all_there():
    expected = {
        "serve",
        "server",
        "migrate",
        "import",
        "project",
        "key",
        "customer",
        "report",
        "rebuild",
        "doctor",
    }
    assert expected <= set(COMMANDS)


@pytest.mark.parametrize("args", [["nonsense"], ["serve", "--nonsense"], ["customer", "show"], ["import"]])
def test_wrong_usage_ends_with_2(args):
    assert CliRunner().invoke(shopalytic, args).exit_code == 2


def test_an_error_nobody_foresaw_is_not_hidden(monkeypatch):
    def break_down(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("shopalytic_server.cli.database.migrate.database_of", break_down)
    assert isinstance(CliRunner().invoke(shopalytic, ["migrate"]).exception, ZeroDivisionError)
