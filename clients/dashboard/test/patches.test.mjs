/** Repairs: what is typed into the form becomes the patch that the server is to apply. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { EventSchema } from "contract/events_pb";
import { difference, documentOf, documentText, Misstated, patchesOf, patchOf, stepsOf, valueText } from "../src/patches";

const ORDER = { identity: "bob", order: { order_id: "1", line_items: [{ sku: "a", price: "1.00" }] } };
const set = (field, value, named = false) => [{ field, value, remove: false, named }];
const patch = (changes, document) => JSON.parse(patchOf(changes, document));

test("a field that is there is replaced, one that is not is added", () => {
  assert.deepEqual(patch(set("order.order_id", "2"), ORDER), [{ op: "replace", path: "/order/order_id", value: "2" }]);
  assert.deepEqual(patch(set("order.cart_id", "c"), ORDER), [{ op: "add", path: "/order/cart_id", value: "c" }]);
  assert.deepEqual(patch(set("order.line_items[0].price", "2"), ORDER), [
    { op: "replace", path: "/order/line_items/0/price", value: "2" },
  ]);
});

test("what a field is in is made first, and once", () => {
  const changes = [...set("order.billing.city", "Bonn"), ...set("order.billing.country", "DEU")];
  assert.deepEqual(
    patch(changes, ORDER).map(({ op, path }) => `${op} ${path}`),
    ["add /order/billing", "add /order/billing/city", "add /order/billing/country"],
  );
});

test("without a document nothing is made that might be there", () => {
  assert.deepEqual(patch(set("order.billing.city", "Bonn"), undefined), [{ op: "add", path: "/order/billing/city", value: "Bonn" }]);
});

test("values are text but for truth, objects, lists and what is quoted, and numbers keep their digits", () => {
  assert.equal(patchOf(set("order.total", "12.50"), ORDER), '[{"op": "add", "path": "/order/total", "value": "12.50"}]');
  assert.equal(patch(set("sandbox", "true"), ORDER)[0].value, true);
  assert.equal(patch(set("identity", '"true"'), ORDER)[0].value, "true");
  assert.match(patchOf(set("order.line_items", '[{"price": 90071992547409.93}]'), ORDER), /90071992547409\.93/);
});

test("what is no JSON though it begins so is told with its place", () => {
  assert.throws(
    () => patchOf([...set("a", "fine"), ...set("b", "{no")], {}),
    (error) => error instanceof Misstated && error.change.field === "b",
  );
  assert.throws(() => patchOf(set("identity.name", "x"), ORDER), Misstated);
  assert.throws(() => patchOf([{ field: "", value: "", remove: true, named: false }], ORDER), Misstated);
});

test("names with slashes and tildes are escaped", () => {
  assert.equal(patch([{ field: "a/b~c", value: "", remove: true, named: false }], {})[0].path, "/a~1b~0c");
});

test("reasons name the kind of event, the sender's JSON has properties", () => {
  const sent = { type: "cart_add", properties: { qty: "two" } };
  assert.deepEqual(stepsOf("cart_add.qty", sent), ["properties", "qty"]);
  assert.equal(valueText("cart_add.qty", sent), "two");
  assert.deepEqual(stepsOf("type", sent), ["type"]);
});

test("events of one shape share a patch", () => {
  const events = ["1", "2", "3"].map((id) => ({
    quarantineId: id,
    event: create(EventSchema, { payload: { case: "shipment", value: { orderId: "o", carrier: id === "3" ? "" : "x" } } }),
    violations: [{ field: "shipment.carrier" }],
  }));
  assert.deepEqual([...patchesOf(set("shipment.carrier", "dhl"), events).values()], [["1", "2"], ["3"]]);
});

test("a change is made where a reason asks for it, or in all events of the field's kind", () => {
  const kept = (quarantineId, kind, ...fields) => ({
    quarantineId,
    event: create(EventSchema, { payload: { case: kind, value: {} } }),
    violations: fields.map((field) => ({ field })),
  });
  const events = [kept("1", "shipment", "shipment.carrier"), kept("2", "shipment", "shipment.order_id"), kept("3", "order", "order.total")];
  const where = (changes) => [...patchesOf(changes, events)].map(([patch, ids]) => [patch !== "", ...ids]);
  assert.deepEqual(where(set("shipment.carrier", "dhl", true)), [[true, "1"], [false, "2", "3"]]);
  assert.deepEqual(where(set("shipment.carrier", "dhl")), [[true, "1", "2"], [false, "3"]]);
  assert.deepEqual(where(set("source", "shop")), [[true, "1", "2", "3"]]);
});

test("what could not be read is shown as it was sent, in lines where no digit is lost", () => {
  const undecoded = (json) => create(EventSchema, { payload: { case: "undecoded", value: { json } } });
  assert.equal(documentText(undecoded('{"a":1}')), '{\n  "a": 1\n}');
  assert.equal(documentText(undecoded('{"a":90071992547409.93}')), '{"a":90071992547409.93}');
  assert.equal(documentText(undecoded("{")), "{");
  assert.equal(documentOf(undecoded("{")), undefined);
});

test("a difference gives both texts back, and keeps what is the same", () => {
  const before = "a\nb\nc\nd\ne";
  const after = "a\nB\nc\nd2\nd3\ne";
  const lines = difference(before, after);
  const side = (kind) => lines.filter((line) => line.kind !== kind).map(({ text }) => text).join("\n");
  assert.equal(side("new"), before);
  assert.equal(side("old"), after);
  assert.deepEqual(lines.filter(({ kind }) => kind === "same").map(({ text }) => text), ["a", "c", "e"]);
  assert.deepEqual(difference("x", "x"), [{ kind: "same", text: "x" }]);
});
