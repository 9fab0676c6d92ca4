/**
 * A real filter of system calls (seccomp(2)), as units and containers have: the calls that are
 * named fail with EPERM.
 */

const numbers = {
  x64: {
    prctl: 157,
    prlimit64: 302,
    fchown: 93,
    statfs: 137,
    membarrier: 324,
    io_uring_setup: 425,
    landlock_create_ruleset: 444,
    memfd_create: 319,
    pidfd_open: 434,
    close_range: 436,
    rseq: 334,
    sched_setaffinity: 203,
    madvise: 28,
    copy_file_range: 326,
    fallocate: 285,
  },
  arm64: {
    prctl: 167,
    prlimit64: 261,
    fchown: 55,
    statfs: 43,
    membarrier: 283,
    io_uring_setup: 425,
    landlock_create_ruleset: 444,
    memfd_create: 279,
    pidfd_open: 434,
    close_range: 436,
    rseq: 293,
    sched_setaffinity: 122,
    madvise: 233,
    copy_file_range: 285,
    fallocate: 47,
  },
} as const
export type Call = keyof (typeof numbers)["x64"]

/** Python, for a filter outlives what sets it, and Bun has no child of its own that could. */
const filter = `
import ctypes, os, struct, sys
calls = [int(one) for one in sys.argv[1].split(",")]
code = [(0x20, 0, 0, 0)]
for one in calls: code += [(0x15, 0, 1, one), (0x06, 0, 0, 0x00050001)]
code += [(0x06, 0, 0, 0x7fff0000)]
text = b"".join(struct.pack("HBBI", *one) for one in code)
class Program(ctypes.Structure): _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
held = ctypes.create_string_buffer(text)
program = Program(len(code), ctypes.addressof(held))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0: sys.exit("no filter: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[2], sys.argv[2:])
`

/** What to run a program under. */
export function denying(...calls: readonly Call[]): readonly string[] {
  const known = numbers[process.arch === "arm64" ? "arm64" : "x64"]
  return ["python3", "-c", filter, calls.map((name) => known[name]).join(",")]
}

/** Why no filter can be set here. */
export function whyNoFilter(): string | undefined {
  if (Bun.which("python3") === null) return "python3 is not installed"
  return Bun.spawnSync([...denying("prctl"), "true"]).exitCode === 0
    ? undefined
    : "no filter of system calls can be set here"
}
