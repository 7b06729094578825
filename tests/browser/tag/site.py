"""A shop whose tag comes from, and sends to, a real gateway."""

from browser.tag.scripted_shop import COOKIE, ScriptedShop
from browser.visitor import Visitor
from running.running_service import Service


class Site:
    """Web pages on hosts of their own, whose tag comes from and sends to the real gateway."""

    def __init__(self, pages: ScriptedShop, service: Service) -> None:
        self.pages = pages
        self.service = service
        self.key = service.ready["keys"]["browser"]
        self._gateway_port = service.ready["http_address"].rpartition(":")[2]

    def gateway(self, host: str, path: str = "") -> str:
        return f"http://{host}:{self._gateway_port}{path}"

    def add_page(
        self, path: str, *calls: str, host: str = "www.shop.test", options: str = "{}", head: str = ""
    ) -> None:
        script = "\n".join([f"shopalytic.init('{self.key}', {options});", *calls])
        source = self.gateway(host, "/shopalytic.js")
        self.pages.pages[path] = (
            f"<!doctype html><title>{path}</title>{head}"
            f"<script src='{source}'></script><script>{script}</script>"
        )

    def url(self, path: str, host: str = "www.shop.test") -> str:
        return self.pages.url(path, host=host)

    def customer(self, who: str) -> dict:
        return self.service.json("customer", "show", who)

    def events(self, who: str, type_: str) -> list[dict]:
        found = self.service.json("customer", "events", who)["events"]
        return [event for event in reversed(found) if event["type"] == type_]

    def skus(self, who: str) -> list[str]:
        return [event["properties"]["sku"] for event in self.events(who, "product_view")]

    def tracking_id(self, visitor: Visitor, host: str = "www.shop.test") -> str:
        return str(visitor.cookies(self.gateway(host))[COOKIE]["value"])
