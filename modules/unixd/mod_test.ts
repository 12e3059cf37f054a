// Do User and Group come to the identity, and to the lines of -S, that they mean?

import { assertEquals, assertThrows } from "@std/assert";
import { ArgumentError } from "../../server/config/mod.ts";
import { applyTree } from "../../server/apply_tree.ts";
import { setModules } from "../../server/modules.ts";
import { identityLines, identityOf, unixd } from "./mod.ts";

setModules([unixd]);

const ignore = Deno.build.os === "windows"; // User has no effect there

function configured(...lines: readonly [name: string, arg: string][]) {
  const nodes = lines.map(([name, arg], index) => ({
    name,
    args: [arg],
    raw: arg,
    file: "httpd.conf",
    line: index + 1,
  }));
  return applyTree(nodes, "/", undefined);
}

const notUsed = Deno.uid() === 0 ? "" : " not_used";

Deno.test({ name: "User: without Group, its group at login", ignore }, () => {
  const config = configured(["User", "root"]);
  const [user, group] = identityLines(config);
  assertEquals(user, `User: name="root" id=0${notUsed}`);
  assertEquals(/^Group: name="[^"]+" id=0( not_used)?$/.test(group), true, group);
  assertEquals(identityLines(configured()), []);
});

Deno.test({ name: "User: Group by number; a group need not have a name", ignore }, () => {
  const config = configured(["User", "root"], ["Group", "#3999999999"]);
  assertEquals(identityLines(config)[1], `Group: name="#3999999999" id=3999999999${notUsed}`);
});

Deno.test({ name: "User: only root changes users", ignore }, () => {
  const config = configured(["User", "root"], ["Group", "#0"]);
  if (Deno.uid() !== 0) return assertEquals(identityOf(config, []), undefined);
  assertThrows(() => identityOf(config, []), ArgumentError, "BIG_SECURITY_HOLE");
  assertEquals(identityOf(config, ["BIG_SECURITY_HOLE"])?.user, { id: 0, name: "root" });
});
