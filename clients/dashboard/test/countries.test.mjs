/** A country is found by its name or either code, and nothing else is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countryCode, countryName, countryNames } from "../src/countries";

test("names and codes lead to the code that the server takes", () => {
  for (const text of ["Germany", "germany ", "DE", "deu"]) assert.equal(countryCode(text), "DEU");
  assert.equal(countryCode("Cote d'Ivoire") ?? countryCode("Côte d’Ivoire"), "CIV");
  assert.equal(countryCode("UK"), "GBR");
});

test("each country's own name leads back to it", () => {
  assert.ok(countryNames().length > 240);
  for (const name of countryNames()) assert.equal(countryName(countryCode(name)), name);
});

test("what is no country is told apart from nothing", () => {
  for (const text of ["Germania", "DEUX", "", "1"]) assert.equal(countryCode(text), null);
});
