// Keyv's published test suite on our store; run by vitest in a project of its own, see keyv.test.ts.

import keyvTestSuite, { keyvIteratorTests } from "@keyv/test-suite";
import Keyv5 from "keyv";
import Keyv6 from "keyv6";
import * as vitest from "vitest";

const { SkyKVStore } = await import(process.env.STORE_MODULE);
const store = () => new SkyKVStore({ url: process.env.SKYKV_URL, key: process.env.SKYKV_KEY });

// The suite is written for Keyv 5.
vitest.describe("Keyv 5", () => keyvTestSuite(vitest, Keyv5, store));

// Where Keyv 6 differs from 5 by its own design, whatever the store, the suite cannot hold.
const changed = [".deleteMany([keys]) with nonexistent keys resolves to false"];
const it = (name, ...rest) => (changed.includes(name) ? vitest.it.skip : vitest.it)(name, ...rest);
vitest.describe("Keyv 6", () => {
  keyvTestSuite({ ...vitest, it }, Keyv6, store);
  keyvIteratorTests({ ...vitest, it }, Keyv6, store);
});
