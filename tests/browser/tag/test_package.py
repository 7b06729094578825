"""The npm package: its types, its files, its size, and that its generated part is what the protos give."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from browser.tag.scripted_shop import DIST, REPOSITORY
from browser.visitor import give_up
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import violations

PACKAGE = REPOSITORY / "clients" / "javascript"
TSC = PACKAGE / "node_modules" / ".bin" / "tsc"
LIMIT_BYTES = 4_096
# The tag's own pattern means the same to Python.
NOBODY = re.compile(
    re.search(r"const NOBODY =\n  /(.*)/i;", (PACKAGE / "src" / "tag.ts").read_text())[1], re.IGNORECASE
)

CONSUMER = """
import { init, track, identify, alias, reset, type Verdict } from "shopalytic";
import "shopalytic/global";

init("shop_browser_key", { source: "web", sandbox: true, cross_subdomain_cookie: false });
const verdict: Verdict = await track("order", {
  order_id: "o", cart_id: "c", total: 24.98, subtotal: "19.98",
  line_items: [{ sku: "s", price: 9.99, qty: "2" }], order_date: new Date(),
});
if (verdict.status === "QUARANTINED") console.log(verdict.violations[0]?.rule_id);
void track("shipment", { order_id: "o", shipment_id: "p", carrier: "dhl", date_shipped: 1746100800 });
void track("account_update", { first_name: "Ann" });
void track("page_view", { url: "https://shop.example/", referrer: "" });
void identify("ann");
void alias("ann@shop.example");
void reset();
void window.shopalytic.track("cart_modify", { cart_id: "c", sku: "s", qty: 0 });

// @ts-expect-error an unknown event
void track("purchase", {});
// @ts-expect-error an unknown property
void track("customer_update", { firstname: "Ann" });
// @ts-expect-error a property of another event
void track("cart_add", { cart_id: "c", sku: "s", price: "1", qty: 1, order_id: "o" });
// @ts-expect-error a required property left out
void track("cart_add", { cart_id: "c", sku: "s", qty: 1 });
// @ts-expect-error a required property left out, deeper
void track("order", { order_id: "o", cart_id: "c", total: 1, subtotal: 1, line_items: [{ sku: "s" }] });
// @ts-expect-error a wrong type
void track("product_view", { sku: "s", name: "n", price: true });
// @ts-expect-error a time that is none
void track("shipment_delivered", { order_id: "o", shipment_id: "p", date_delivered: { day: 1 } });
// @ts-expect-error a carrier that is not in the list
void track("shipment", { order_id: "o", shipment_id: "p", carrier: "pigeon" });
// @ts-expect-error a kind of refund that does not exist
void track("refund", { order_id: "o", refund_type: "half" });
// @ts-expect-error an event that only the server makes
void track("undecoded", { json: "" });
// @ts-expect-error an unknown option
init("key", { cookie_domain: "shop.example" });
// @ts-expect-error an identity that is no text
void identify(17);
// @ts-expect-error the same on the window
void window.shopalytic.track("order", {});
"""

COMPILER_OPTIONS = {
    "strict": True,
    "noEmit": True,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "types": [],
    "module": "nodenext",
    "moduleResolution": "nodenext",
    "exactOptionalPropertyTypes": True,
}


@pytest.fixture(scope="module")
def consumer(tmp_path_factory) -> Path:
    """A project that has the package installed as npm would publish it."""
    if shutil.which("npm") is None or not TSC.exists():
        give_up("the tag's build tools are not installed (npm --prefix clients/javascript ci)")
    folder = tmp_path_factory.mktemp("consumer")
    pack = ["npm", "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", str(folder)]
    subprocess.run(pack, cwd=PACKAGE, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (folder / "node_modules").mkdir()
    (folder / "package").rename(folder / "node_modules" / "shopalytic")
    (folder / "package.json").write_text(json.dumps({"name": "consumer", "type": "module"}))
    return folder


def test_right_properties_compile_and_wrong_ones_do_not(consumer):
    (consumer / "shop.ts").write_text(CONSUMER)
    (consumer / "tsconfig.json").write_text(
        json.dumps({"compilerOptions": COMPILER_OPTIONS, "files": ["shop.ts"]})
    )
    done = subprocess.run([TSC, "-p", consumer], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_package_can_be_imported_where_there_is_no_browser(consumer):
    script = "const tag = await import('shopalytic'); console.log(Object.keys(tag).sort().join(' '))"
    node = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(node, cwd=consumer, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("alias consent identify init reset track", "")


def test_on_a_server_each_call_ends_with_a_verdict_that_says_why(consumer):
    script = """
        const tag = await import('shopalytic');
        tag.init('shop_browser_key', {consent: 'pending'});
        tag.consent('granted');
        const verdicts = [await tag.track('order', {}), await tag.identify('ann'), await tag.reset()];
        console.log(JSON.stringify(verdicts));
    """
    node = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(node, cwd=consumer, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    for verdict in json.loads(done.stdout):
        (reason,) = verdict["violations"]
        assert (verdict["status"], reason["rule_id"]) == ("REJECTED", "tag.disabled")
        assert "document" in reason["message"]


def test_the_package_has_all_that_its_manifest_names_and_no_sources(consumer):
    package = consumer / "node_modules" / "shopalytic"
    manifest = json.loads((package / "package.json").read_text())
    for target in manifest["exports"].values():
        for path in target.values() if isinstance(target, dict) else [target]:
            assert (package / path).is_file(), path
    assert {entry.name for entry in package.iterdir()} == {"dist", "package.json", "README.md", "LICENSE"}
    assert not [file for file in package.rglob("*.ts") if not file.name.endswith(".d.ts")]


def test_the_lock_file_names_no_registry():
    lock = json.loads((PACKAGE / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_the_script_is_small_and_sends_to_an_address_that_a_gateway_can_replace():
    if not (DIST / "shopalytic.js").is_file():
        give_up("the tag is not built (npm --prefix clients/javascript run build)")
    script = (DIST / "shopalytic.js").read_bytes()
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    assert len(packer.compress(script) + packer.flush()) <= LIMIT_BYTES
    assert script.count(b"/collect?token=") == 1


def test_the_generated_types_are_what_the_protos_give():
    check = [sys.executable, PACKAGE / "generate_catalogue.py", "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        *("null", "NULL", "undefined", "None", "nil", "NaN", "n/a", "[object Object]", "(none)", "(not set)"),
        *(
            "{{customer.id}}",
            "${id}",
            "<%= id %>",
            "true",
            "False",
            "0",
            "000",
            "-",
            "-1",
            "guest",
            "Anonymous",
        ),
        *("00000000-0000-0000-0000-000000000000", "unknown", "id", "_id", "user_id", "userid", "distinct_id"),
        *("distinctid", "user", "email", "not_authenticated", '"null"', " null", "", "x" * 201),
    ],
)
def test_the_tag_remembers_no_identity_that_the_contract_refuses(text: str):
    event = Event(tracking_id="browser-1", identity=text)
    event.page_view.url = "https://shop.example/"
    assert violations(event), "the contract takes it: choose another"
    assert NOBODY.search(text)


@pytest.mark.parametrize(
    "text", ["ada@shop.example", "1001", "david", "astrid", "nina", "C-17", "usera", "0198f0c2"]
)
def test_the_tag_remembers_an_ordinary_identity(text: str):
    assert not NOBODY.search(text)
