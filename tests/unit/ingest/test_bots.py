"""Who is a robot, by what it says of itself."""

import re

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA, is_crawler
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.ingest import bots
from shopalytic_server.domain.ingest.bots import MOST_LETTERS, Robots, is_bot, is_of_client, starts_in

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        CHROME.replace("Chrome", "HeadlessChrome"),
        "curl/8.5.0",
    ],
)
def test_known_robots_are_told_by_their_user_agent(user_agent):
    assert is_bot(user_agent, automated=False)


@pytest.mark.parametrize(
    "user_agent",
    [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "",
    ],
)
def test_people_and_backends_are_no_robots_unless_a_program_drives_the_browser(user_agent):
    assert not is_bot(user_agent, automated=False)
    assert is_bot(user_agent, automated=True)


INSTANCES = [name for robot in CRAWLER_USER_AGENTS_DATA for name in robot["instances"]]
PATTERNS = [robot["pattern"] for robot in CRAWLER_USER_AGENTS_DATA]


def test_every_robot_of_the_list_is_found_as_the_list_finds_it():
    assert [name for name in INSTANCES if not is_bot(name, automated=False)] == []


@given(
    st.lists(st.sampled_from([*INSTANCES[::20], *PATTERNS, CHROME]), max_size=3),
    st.lists(st.integers(0, 300), min_size=2, max_size=2).map(sorted),
)
def test_any_text_is_judged_as_the_list_judges_its_beginning(parts, ends):
    name = " ".join(parts)[ends[0] : ends[1]]
    assert is_bot(name, automated=False) == (is_crawler(name) if name else False)


LIBRARIES = [
    name
    for robot in CRAWLER_USER_AGENTS_DATA
    if "http-library" in robot["tags"]
    for name in robot["instances"]
]


@pytest.mark.parametrize("user_agent", ["okhttp/4.12.0", "axios/1.6.2", "python-requests/2.31", "curl/8.5.0"])
def test_a_library_makes_no_robot_of_a_client_of_the_shop(user_agent):
    assert is_bot(user_agent, automated=False)
    assert not is_bot(user_agent, automated=False, is_client=True)
    assert is_bot(user_agent, automated=True, is_client=True)


def test_a_robot_that_names_its_library_too_stays_a_robot():
    for library in LIBRARIES:
        assert is_bot(f"{library} Googlebot/2.1", automated=False, is_client=True)


def test_a_public_key_is_a_clients_but_for_pages_and_a_backend_knows_its_clients():
    assert is_of_client("", public=True, identified=False)
    assert is_of_client("shop-app", public=True, identified=False)
    assert not is_of_client("shopalytic-js", public=True, identified=True)
    assert not is_of_client("shopalytic-gif", public=True, identified=False)
    assert is_of_client("", public=False, identified=True)
    assert not is_of_client("", public=False, identified=False)


@pytest.mark.parametrize("name", INSTANCES[::60])
def test_what_a_project_calls_its_own_is_no_robot_in_any_case_of_letters(name):
    assert not is_bot(name, automated=False, own=("nobody", name[:20].swapcase()))
    assert is_bot(name, automated=True, own=(name[:20],))
    assert is_bot(name, automated=False, own=("nobody",))


def test_what_comes_after_the_beginning_is_not_looked_at():
    assert is_bot(CHROME.ljust(MOST_LETTERS - 10) + "Googlebot/2.1", automated=False)
    assert not is_bot(CHROME.ljust(MOST_LETTERS) + "Googlebot/2.1", automated=False)


def test_what_is_remembered_is_bounded():
    maximum = bots._known.cache_parameters()["maxsize"]
    assert maximum is not None
    for number in range(100):
        is_bot("x" * MOST_LETTERS + str(number), automated=False)
    assert bots._known.cache_info().currsize <= maximum


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"),
    [
        ("[wW]get", "Wget/1", "get"),
        ("^curl", "curl/8", "a curl"),
        ("Ahrefs(Bot|SiteAudit)", "AhrefsBot", "Ahrefs Bot"),
        ("One|two(a|b)", "two b two", "two b"),
        (r"Feed\/\d+x?y*z", "Feed/12z", "Feed/z"),
        ("Labs$", "SSL Labs", "Labs x"),
        (r"(a[)(]b|\)c)d{2}e", "a(bdde", "abdde"),
        (r"end\.{2}", "end..", "end."),
    ],
)
def test_expressions_of_any_form_mean_what_they_say(pattern, found, not_found):
    robots = Robots([pattern])
    for text in (found, not_found):
        assert robots.match(text, starts_in(text)) is (re.search(pattern, text) is not None), text
