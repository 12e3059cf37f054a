// How are C functions called that take a variable number of arguments? An FFI signature has a fixed number, which is the same to
// a processor as long as all arguments travel the same way. Apple's ABI for arm64 is the exception: what follows the declared
// arguments of a variadic function is on the stack, in slots of 8 bytes, while eight fixed arguments travel in registers. There
// the signature has as many fixed arguments as there are registers, so that the ninth, the variable one, is on the stack.

/** fcntl(2) and open(2) with their optional argument. Both return -1 and set errno when they fail. */
export interface VariadicCalls {
  fcntl(fd: number, command: number, argument: number): number;
  open(path: Uint8Array<ArrayBuffer>, flags: number, mode: number): number;
}

const IN_REGISTERS = {
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
} as const;

const ON_STACK = {
  fcntl: { parameters: ["i32", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i32" },
  open: { parameters: ["buffer", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i32" },
} as const;

/** The calls of the C library that `library` names. @throws what Deno.dlopen throws */
export function loadVariadicCalls(library: string): VariadicCalls {
  if (Deno.build.os !== "darwin" || Deno.build.arch !== "aarch64") {
    return Deno.dlopen(library, IN_REGISTERS).symbols;
  }
  const { fcntl, open } = Deno.dlopen(library, ON_STACK).symbols;
  return {
    fcntl: (fd, command, argument) => fcntl(fd, command, 0n, 0n, 0n, 0n, 0n, 0n, BigInt(argument)),
    open: (path, flags, mode) => open(path, flags, 0n, 0n, 0n, 0n, 0n, 0n, BigInt(mode)),
  };
}
