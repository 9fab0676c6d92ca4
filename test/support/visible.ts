import { dlopen, FFIType, ptr } from "bun:ffi"

/**
 * `bun visible.ts PROGRAM ARGUMENT…`: puts the program in the place of this process, where the
 * kernel answers "done" to prctl(PR_SET_DUMPABLE, 0), here and in all that it starts, and does
 * nothing. The binary hides its memory by that call, and a tracer that is not root then sees
 * addresses in the place of paths and bytes. So the very binary that is shipped can be looked at:
 * nothing in it knows of this. seccomp(2): a filter that the process lays upon itself, and cannot
 * take off again.
 */

type Machine = { readonly arch: number; readonly prctl: number }
const machines: Readonly<Record<string, Machine>> = {
  x64: { arch: 0xc000003e, prctl: 157 },
  arm64: { arch: 0xc00000b7, prctl: 167 },
}

/**
 * The fields of seccomp_data that the filter looks at: number, architecture, the low half of the
 * first and second argument.
 */
const at = { call: 0, arch: 4, first: 16, second: 24 } as const
const [load, isEqual, end] = [0x20, 0x15, 0x06]
const answer = { allow: 0x7fff_0000, done: 0x0005_0000 } as const
const [setDumpable, setSeccomp, setNoNewPrivileges, filterMode] = [4, 22, 38, 2]

/** sock_filter: code (u16), where to jump if true and if false (u8 each), a number (u32). */
function filterFor({ arch, prctl }: Machine): Uint8Array {
  const tests: readonly (readonly [number, number])[] = [
    [at.arch, arch],
    [at.call, prctl],
    [at.first, setDumpable],
    [at.second, 0],
  ]
  const lines: (readonly [number, number, number])[] = []
  for (const [index, [offset, number]] of tests.entries()) {
    // To the last line but one, which allows: past the tests that are left, and the answer.
    lines.push([load, 0, offset], [isEqual, (tests.length - 1 - index) * 2 + 1, number])
  }
  lines.push([end, 0, answer.done], [end, 0, answer.allow])
  const bytes = new DataView(new ArrayBuffer(lines.length * 8))
  for (const [index, [code, otherwise, number]] of lines.entries()) {
    bytes.setUint16(index * 8, code, true)
    bytes.setUint8(index * 8 + 3, otherwise)
    bytes.setUint32(index * 8 + 4, number, true)
  }
  return new Uint8Array(bytes.buffer)
}

function layFilter(machine: Machine): void {
  const libc = dlopen("libc.so.6", {
    prctl: {
      args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
      returns: FFIType.i32,
    },
  })
  const filter = filterFor(machine)
  // sock_fprog: how many lines (u16), and where they lie.
  const program = new BigUint64Array([BigInt(filter.length / 8), BigInt(ptr(filter))])
  if (libc.symbols.prctl(setNoNewPrivileges, 1, 0, 0, 0) !== 0)
    throw new Error("the kernel refuses PR_SET_NO_NEW_PRIVS")
  if (libc.symbols.prctl(setSeccomp, filterMode, ptr(program), 0, 0) !== 0)
    throw new Error("the kernel refuses a filter of system calls")
}

if (import.meta.main) {
  const [program = "", ...args] = process.argv.slice(2)
  const path = Bun.which(program)
  const machine = machines[process.arch]
  if (path === null || machine === undefined)
    throw new Error(
      path === null ? `${program} is not in the PATH` : `no filter is known for ${process.arch}`,
    )
  layFilter(machine)
  // What is ignored stays ignored in the program, what has a handler does not: the runtime ignores these two.
  for (const signal of ["SIGPIPE", "SIGXFSZ"] as const) process.on(signal, () => undefined)
  process.removeAllListeners("warning")
  process.execve?.(path, [program, ...args], process.env as Record<string, string>)
}
