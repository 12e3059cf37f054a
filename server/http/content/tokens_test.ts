// Does the server name itself by ServerTokens (http-core §11.1)?

import { assert, assertStrictEquals } from "@std/assert";
import { isFieldValue } from "./field_value.ts";
import { serverBanner, serverTokensForms } from "./tokens.ts";

const parts = { version: "0.1.12", platform: "Unix", components: ["A/1.0", "B/2"] };

Deno.test("server tokens: each form", () => {
  const expected = {
    Full: "mpmd/0.1.12 (Unix) A/1.0 B/2",
    OS: "mpmd/0.1.12 (Unix)",
    Min: "mpmd/0.1.12",
    Minor: "mpmd/0.1",
    Major: "mpmd/0",
    Prod: "mpmd",
  };
  for (const form of serverTokensForms) {
    const banner = serverBanner(form, parts);
    assertStrictEquals(banner, expected[form], form);
    assert(isFieldValue(banner));
  }
});

Deno.test("server tokens: Full without components is as OS", () => {
  const bare = { ...parts, components: [] };
  assertStrictEquals(serverBanner("Full", bare), serverBanner("OS", bare));
});
