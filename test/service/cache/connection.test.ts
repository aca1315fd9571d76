import assert from "node:assert/strict";
import { parseRedisUrl } from "../../../service/cache/connection.ts";

describe("the URL of the shared cache", () => {
  it("names one server", () => {
    const local = { hosts: [{ host: "localhost", port: 6379 }], cluster: false, tls: false, database: 0 };
    assert.deepEqual(parseRedisUrl("redis://localhost"), local);
    assert.deepEqual(parseRedisUrl("redis://localhost:6379/0"), local);
    assert.deepEqual(parseRedisUrl("redis://[::1]:7000/3"), {
      ...local,
      hosts: [{ host: "::1", port: 7000 }],
      database: 3,
    });
  });

  it("names some nodes of a cluster", () => {
    assert.deepEqual(parseRedisUrl("redis+cluster://a.example:7000,b.example,10.0.0.1:7002").hosts, [
      { host: "a.example", port: 7000 },
      { host: "b.example", port: 6379 },
      { host: "10.0.0.1", port: 7002 },
    ]);
  });

  it("asks for TLS with an s", () => {
    const { tls, cluster } = parseRedisUrl("rediss+cluster://a.example");
    assert.deepEqual([tls, cluster], [true, true]);
    assert.equal(parseRedisUrl("rediss://a.example").tls, true);
  });

  it("carries a user and a password, percent-encoded", () => {
    const { username, password, hosts } = parseRedisUrl("redis://kv:p%40ss:w%2Ford@h:1");
    assert.deepEqual([username, password, hosts], ["kv", "p@ss:w/ord", [{ host: "h", port: 1 }]]);
    const only = parseRedisUrl("redis://:secret@h");
    assert.deepEqual([only.username, only.password], [undefined, "secret"]);
  });

  for (const url of [
    "http://localhost",
    "redis:localhost",
    "redis://",
    "redis://a,b",
    "redis://a:0",
    "redis://a:65536",
    "redis+cluster://a:secret@b,",
    "redis+cluster://a:secret@b/1",
    "redis://user:secret%zz@host",
    "redis://user:secret@host/one",
    "redis://user:sec/ret@host",
  ]) {
    it(`refuses ${url} without repeating what is secret`, () => {
      assert.throws(
        () => parseRedisUrl(url),
        (error: Error) => /URL of the shared cache/.test(error.message) && !/secret|ret@/.test(error.message),
      );
    });
  }
});
