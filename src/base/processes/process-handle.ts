import { readFileSync } from "node:fs"

/**
 * A process that is to be looked at and then signalled: by a descriptor of it, pidfd_open(2), so
 * that the signal reaches the process that was looked at, whatever has its number by then. By ffi,
 * which a hardened unit forbids: then by its number.
 */
export type ProcessHandle = {
  /** Whose it is (its real user, who may signal it too); undefined where it is gone. */
  readonly uid: () => number | undefined
  /** Throws the system's error. */
  readonly send: (name: NodeJS.Signals) => void
  readonly close: () => void
}

export async function openProcess(pid: number): Promise<ProcessHandle> {
  const calls = await handles()
  const handle = calls?.open(pid) ?? -1
  return {
    uid: () => realUserOf(pid),
    send: (name) => {
      const number = numbers[name]
      if (calls === undefined || handle < 0 || number === undefined) process.kill(pid, name)
      // Its reason: asked of the number, by a signal that is none.
      else if (!calls.send(handle, number)) {
        process.kill(pid, 0)
        throw Object.assign(new Error("ESRCH"), { code: "ESRCH" })
      }
    },
    close: () => {
      if (handle >= 0) calls?.close(handle)
    },
  }
}

/** Alike on every machine that we are built for. */
const numbers: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
}

/**
 * Of its status: the owner of its folder is root where a daemon gave up root by itself. At once:
 * programs may be locked out meanwhile, and the kernel answers this from its memory.
 */
function realUserOf(pid: number): number | undefined {
  try {
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]
    return uid === undefined ? undefined : Number(uid)
  } catch {
    return undefined
  }
}

type Calls = {
  /** Below 0: there is no such process, or no such call. */
  readonly open: (pid: number) => number
  readonly send: (handle: number, signal: number) => boolean
  readonly close: (handle: number) => void
}

const [pidfdSendSignal, pidfdOpen] = [424, 434]
let opened: Promise<Calls | undefined> | undefined

function handles(): Promise<Calls | undefined> {
  opened ??= open()
  return opened
}

async function open(): Promise<Calls | undefined> {
  if (process.platform !== "linux") return undefined
  try {
    const { dlopen, FFIType } = await import("bun:ffi")
    const { i32, i64_fast: long } = FFIType
    const { symbols } = dlopen("libc.so.6", {
      syscall: { args: [long, long, long, long, long], returns: long },
      close: { args: [i32], returns: i32 },
    })
    return {
      open: (pid) => Number(symbols.syscall(pidfdOpen, pid, 0, 0, 0)),
      send: (handle, signal) =>
        Number(symbols.syscall(pidfdSendSignal, handle, signal, 0, 0)) === 0,
      close: (handle) => void symbols.close(handle),
    }
  } catch {
    return undefined
  }
}
