/** What the kernel was made to refuse. */
export type Hardened = { readonly memory: boolean; readonly cores: boolean }

/**
 * Asks the kernel to let no other process of this user read our memory (no ptrace, no
 * /proc/PID/mem), and to write no core after a crash: prctl(2), setrlimit(2). Both go by ffi, which
 * a hardened unit forbids (it sets LimitCORE=0 itself; SECURITY.md says what remains), and a filter
 * may deny either call. No promise rests on it, and `check` names what was not granted.
 */
export async function harden(): Promise<Hardened> {
  if (process.platform !== "linux") return { memory: false, cores: false }
  try {
    const { dlopen, FFIType, ptr } = await import("bun:ffi")
    const libc = dlopen("libc.so.6", {
      prctl: {
        args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
        returns: FFIType.i32,
      },
      setrlimit: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
    })
    const [setDumpable, core] = [4, 4]
    const none = new BigUint64Array(2)
    const memory = libc.symbols.prctl(setDumpable, 0, 0, 0, 0) === 0
    return { memory, cores: libc.symbols.setrlimit(core, ptr(none)) === 0 }
  } catch {
    return { memory: false, cores: false }
  }
}
