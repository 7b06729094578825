"""Who is a robot, by what it says of itself."""

import pytest

from shopalytic_server.domain.bots import is_bot

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
