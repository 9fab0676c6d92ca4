import { readFileSync } from "node:fs"
import { run } from "../processes/spawn.ts"

/**
 * Tells the service manager how the service is, sd_notify(3): a datagram to the socket that
 * NOTIFY_SOCKET names. Bun opens no such socket. libc does, by ffi, which
 * MemoryDenyWriteExecute=yes forbids; there the program systemd-notify does it, and the unit says
 * NotifyAccess=all, for that is our child. If neither works, nothing is told: no rotation depends
 * on it.
 */
export type Manager = {
  /** How often it is told that we live: half of its timeout. undefined: it has none. */
  readonly beatEveryMs: number | undefined
  /**
   * "READY=1", "STATUS=…": in the order of the calls. Resolves to whether it was sent; never
   * rejects.
   */
  tell(...lines: readonly string[]): Promise<boolean>
}

type Send = (lines: readonly string[]) => Promise<boolean>

/** The service manager that started us, or one that tells no process. `env` is read once. */
export function serviceManager(env: (name: string) => string | undefined, pid: number): Manager {
  const socket = env("NOTIFY_SOCKET")
  if (socket === undefined || !/^[/@]./.test(socket))
    return { beatEveryMs: undefined, tell: () => Promise.resolve(false) }
  const ways = [byLibc(socket), byProgram(socket)]
  let last: Promise<boolean> = Promise.resolve(false)
  return {
    beatEveryMs: beatEvery(env("WATCHDOG_USEC"), env("WATCHDOG_PID"), pid),
    tell: (...lines) => {
      last = last.then(() => send(ways, lines.map(oneLine)))
      return last
    },
  }
}

/**
 * What begins a reload. The clock goes with it, rounded up, for a manager passes over what is older
 * than its request.
 */
export function reloadingLines(): readonly string[] {
  try {
    // Seconds since boot; a hundredth is all that it shows. Bun's own clock counts from the start
    // of the process.
    const seconds = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0])
    return ["RELOADING=1", `MONOTONIC_USEC=${Math.round((seconds + 0.01) * 1e6)}`]
  } catch {
    return ["RELOADING=1"]
  }
}

/**
 * WATCHDOG_PID names another process where the variables were inherited: then the watch is not
 * ours.
 */
function beatEvery(
  usec: string | undefined,
  watched: string | undefined,
  pid: number,
): number | undefined {
  if (usec === undefined || !/^[1-9]\d{0,17}$/.test(usec)) return undefined
  return watched === undefined || watched === "" || watched === String(pid)
    ? Math.max(1, Math.floor(Number(usec) / 2000))
    : undefined
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ")
}

async function send(ways: readonly Send[], lines: readonly string[]): Promise<boolean> {
  for (const way of ways) if (await way(lines)) return true
  return false
}

function byProgram(socket: string): Send {
  return async (lines) => {
    try {
      return (
        (
          await run(["systemd-notify", ...lines], {
            env: { NOTIFY_SOCKET: socket },
            timeoutMs: 5000,
          })
        ).code === 0
      )
    } catch {
      return false
    }
  }
}

function byLibc(socket: string): Send {
  const address = addressOf(socket)
  let opened: ReturnType<typeof openLibc> | undefined
  return async (lines) => {
    opened ??= openLibc()
    const libc = await opened
    return (
      libc !== undefined &&
      address !== undefined &&
      libc.send(address, Buffer.from(lines.join("\n")))
    )
  }
}

/**
 * sockaddr_un: the family, then a path and its NUL, or a NUL and an abstract name; undefined where
 * it does not fit.
 */
function addressOf(socket: string): Uint8Array | undefined {
  const path = Buffer.from(socket.startsWith("@") ? `\0${socket.slice(1)}` : `${socket}\0`)
  return path.length > 108
    ? undefined
    : Buffer.concat([Buffer.from(new Uint16Array([1]).buffer), path])
}

/** undefined where ffi is forbidden. */
async function openLibc(): Promise<
  { readonly send: (address: Uint8Array, bytes: Uint8Array) => boolean } | undefined
> {
  if (process.platform !== "linux") return undefined
  try {
    const { dlopen, FFIType, ptr } = await import("bun:ffi")
    const { i32, u64 } = FFIType
    const { symbols } = dlopen("libc.so.6", {
      socket: { args: [i32, i32, i32], returns: i32 },
      sendto: { args: [i32, FFIType.ptr, u64, i32, FFIType.ptr, u64], returns: FFIType.i64_fast },
      close: { args: [i32], returns: i32 },
    })
    // AF_UNIX; SOCK_DGRAM and SOCK_CLOEXEC; MSG_DONTWAIT and MSG_NOSIGNAL: a manager that does not
    // read must not hold us up.
    const [unix, datagram, flags] = [1, 0o2000002, 0x4040]
    return {
      send: (address, bytes) => {
        const file = symbols.socket(unix, datagram, 0)
        if (file < 0) return false
        const sent = symbols.sendto(
          file,
          ptr(bytes),
          bytes.length,
          flags,
          ptr(address),
          address.length,
        )
        symbols.close(file)
        return Number(sent) === bytes.length
      },
    }
  } catch {
    return undefined
  }
}
