// Are users and groups found by name and number as the system has them?

import { assertEquals, assertThrows } from "@std/assert";
import { findGroup, findUser } from "./privileges.ts";

const ignore = Deno.build.os === "windows"; // no user ids

Deno.test({ name: "users and groups: root by name and by number", ignore }, () => {
  const root = { id: 0, name: "root", primaryGroup: 0 };
  assertEquals(findUser("root"), root);
  assertEquals(findUser("#0"), root);
  assertEquals(findGroup("#0")?.id, 0);
  assertEquals(findGroup(findGroup("#0")!.name!)?.id, 0);
});

Deno.test({ name: "users and groups: a number need not have a name, a name has to be there", ignore }, () => {
  assertEquals(findUser("#3999999999"), { id: 3999999999, name: undefined, primaryGroup: undefined });
  assertEquals(findGroup("#3999999999"), { id: 3999999999, name: undefined });
  assertEquals(findUser("no such user"), undefined);
  assertEquals(findGroup("no such group"), undefined);
});

Deno.test({ name: "users and groups: the number that means none, and what is no number", ignore }, () => {
  for (const text of ["#-1", "#4294967295", "#", "#12x", "#99999999999"]) {
    assertThrows(() => findUser(text), RangeError, text);
    assertThrows(() => findGroup(text), RangeError, text);
  }
});
