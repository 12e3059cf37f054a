// Do descriptors arrive with their words, once each, in whichever process takes them?

import { assert, assertEquals } from "@std/assert";
import { DescriptorQueue, MOST_AT_ONCE, WORDS } from "./descriptor_queue.ts";
import * as posix from "./posix.ts";

Deno.test({
  name:
    "descriptor queue: what is put in comes out once, in order, open, with its words; what is full says so",
  ignore: Deno.build.os !== "linux",
  fn() {
    posix.openLibc();
    const ends = DescriptorQueue.create()!;
    const queue = new DescriptorQueue(ends);
    assertEquals(queue.take(), undefined);
    const pipes = Array.from({ length: 70 }, () => posix.createWakePipe());
    const words = (from: number, count: number) =>
      Array.from({ length: count * WORDS }, (_, i) => from * WORDS + i);
    assertEquals(queue.give(pipes.slice(0, MOST_AT_ONCE).map(({ read }) => read), words(0, MOST_AT_ONCE)), 0);
    assertEquals(queue.give([pipes[64].read], words(64, 1)), 0);
    // The giver's own are not needed any more.
    for (const { read } of pipes.slice(0, 65)) posix.close(read);
    const first = queue.take()!;
    assertEquals([first.fds.length, [...first.words]], [64, words(0, 64)]);
    assert(!queue.wasShort);
    const second = queue.take()!;
    assertEquals([second.fds.length, [...second.words]], [1, words(64, 1)]);
    assertEquals(queue.take(), undefined);
    const fds = [...first.fds, ...second.fds];
    const inode = (fd: number) => Deno.statSync(`/proc/self/fd/${fd}`).ino;
    for (const [at, fd] of fds.entries()) {
      assertEquals(inode(fd), inode(pipes[at].write));
      posix.close(fd);
    }
    // Nobody takes anything out: at some time it is full, and the descriptor still the giver's.
    let given = 0;
    while (queue.give([pipes[65].read], words(0, 1)) === 0) given++;
    assert(given > 0 && given < 100_000, String(given));
    let taken = 0;
    for (let next = queue.take(); next !== undefined; next = queue.take()) {
      for (const fd of next.fds) posix.close(fd);
      taken++;
    }
    assertEquals(taken, given);
    for (const { write } of pipes) posix.close(write);
    for (const { read } of pipes.slice(65)) posix.close(read);
    posix.close(ends.give);
    posix.close(ends.take);
  },
});
