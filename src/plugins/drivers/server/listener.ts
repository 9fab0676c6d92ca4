import type { Socket } from "node:net"
import { AppError } from "../../../base/error.ts"
import { type Owner, otherEnd, thisKernel } from "../../../base/system/other-end.ts"
import { openSocketFile } from "../../../base/files/socket-file.ts"
import { sayUser, uidOf } from "../../../base/system/users.ts"
import type { Listeners } from "../../../core/listeners.ts"
import { isBrokenOff } from "./channel.ts"
import type { ListenerOption } from "./listener-option.ts"
import { endsOf, unreachable } from "./tls.ts"

/**
 * A port of this machine is no identity: any user may bind it while its server is down. So before a
 * password, or the proof of one, goes there without TLS, and before anything that it says is
 * believed, the kernel is asked who has accepted the connection. SCRAM does not replace that:
 * without TLS it binds no channel, so one in the middle passes it on and goes on alone.
 */

export type Demand = {
  readonly label: string
  readonly address: string
  readonly listener: ListenerOption | undefined
  readonly listeners: Listeners | undefined
}

/** Opened before the connection. */
export type Gate = AsyncDisposable & {
  /** Where to connect to instead of a socket's path as it is named. */
  readonly path?: string
  /**
   * Comes once the server has answered something: only then is the connection accepted. Throws
   * `listener-changed`.
   */
  check(socket: Socket): Promise<void>
}
/** `message` names the server in errors. */
export type OpenGate = (label: string) => Promise<Gate | undefined>

/** undefined if no note is kept of which user listens. */
export async function gateFor(
  to: { readonly path: string } | { readonly host: string },
  demand: Demand,
): Promise<Gate | undefined> {
  if (demand.listeners === undefined) return undefined
  if ("path" in to)
    return demand.listener === "any" ? gateForAny(to.path, demand) : socketGate(to.path, demand)
  return {
    check: async (socket) => {
      const owner = await acceptedBy(socket, demand)
      const isOver = socket.destroyed || socket.readyState !== "open"
      judge(owner, demand, { isGone: isOver && !isBrokenOff(socket) })
    },
    [Symbol.asyncDispose]: nothingHeld,
  }
}

async function socketGate(path: string, demand: Demand): Promise<Gate> {
  const file = await openSocketFile(path).catch((error: unknown) => {
    throw error instanceof AppError
      ? exposed(demand.label, error.message, error.hint)
      : unreachable(demand.label, error)
  })
  const anybodys = (): AppError =>
    exposed(
      demand.label,
      `more than one user can change ${file.weak} or what lies in it, ` +
        "so who listens at the socket cannot be known",
    )
  if (file.isAnybodys) {
    await file[Symbol.asyncDispose]()
    throw anybodys()
  }
  const check = async (): Promise<void> => {
    const owner = await file.owner()
    if (owner === undefined) throw unreachable(demand.label, undefined)
    if (owner === "several") throw anybodys()
    judge(owner, demand, { isGone: false })
  }
  return { path: file.path, check, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() }
}

/** Refuses nothing; what can be seen is noted all the same. */
async function gateForAny(path: string, { address, listeners }: Demand): Promise<Gate> {
  const look = async (): Promise<Owner> => {
    await using file = await openSocketFile(path)
    const owner = file.isAnybodys ? undefined : await file.owner()
    return owner === undefined || owner === "several" ? "hidden" : owner
  }
  const check = async (): Promise<void> =>
    listeners?.saw(address, await look().catch(() => "hidden" as const))
  return { check, [Symbol.asyncDispose]: nothingHeld }
}

async function nothingHeld(): Promise<void> {}

/** It may not be accepted yet, and a table may leave a row out while it changes. */
const looks = 4

async function acceptedBy(socket: Socket, { label }: Demand): Promise<Owner> {
  const ends = endsOf(socket)
  const kernel = await thisKernel()
  let seen: ReturnType<typeof otherEnd> = "unseen"
  for (let look = 0; look < looks; look++) {
    if (look > 0) await Bun.sleep(2 ** look)
    seen = otherEnd(ends, kernel)
    if (seen !== "waiting" && seen !== "unseen") return seen
  }
  if (seen === "unseen") return "hidden"
  throw closed(label)
}

function closed(label: string): AppError {
  return new AppError("unreachable", `${label}: the connection was closed`, {
    remedy: "retry",
    hint: "is the server running, and does the address name it?",
  })
}

/**
 * Root may do anything anyway, and who we are ourselves could read the identity. `isGone`: the
 * connection is over (the server has hung up, or stopped, or our own time was), and then the kernel
 * does not know any more who it was: that is no other listener, and nothing is sent to it either.
 */
function judge(
  owner: Owner,
  { label, address, listener, listeners }: Demand,
  { isGone }: { readonly isGone: boolean },
): void {
  if (listener === "any") return listeners?.saw(address, owner)
  const wanted = listener === undefined ? listeners?.expected(address) : wantedUid(listener, label)
  const trusted = owner === 0 || (owner !== "hidden" && owner === process.geteuid?.())
  const isOther = !trusted && wanted !== undefined && wanted !== owner
  if (isOther && owner === "hidden" && isGone) throw closed(label)
  if (isOther) throw changed(owner, { label, wanted, named: listener !== undefined })
  listeners?.saw(address, owner)
}

function wantedUid(listener: string | number, label: string): number {
  const uid = typeof listener === "number" ? listener : uidOf(listener)
  if (uid === undefined)
    throw new AppError(
      "listener-unknown",
      `${label}: this machine has no user ${listener}, who should listen there; no password was sent`,
      { hint: "correct listener in the config: a name of /etc/passwd, or a uid" },
    )
  return uid
}

function changed(
  owner: Owner,
  {
    label,
    wanted,
    named,
  }: { readonly label: string; readonly wanted: Owner; readonly named: boolean },
): AppError {
  const now =
    owner === "hidden"
      ? "who listens there now cannot be seen from here"
      : `${sayUser(owner)} listens there now`
  const before =
    wanted === "hidden"
      ? "could not be seen before"
      : `${sayUser(wanted)} ${named ? "should, by the config" : "did when its value was last proven"}`
  const options =
    owner === "hidden"
      ? "any, if the server has moved into a container or behind a forwarded port"
      : "USER under that secret"
  return new AppError(
    "listener-changed",
    `${label}: ${now}; ${wanted === "hidden" ? `that ${before}` : before}; no password was sent`,
    {
      hint:
        "find out who that is (ss -ltnp): another user may have taken the address while the " +
        `server was down; only if it is right, say so in the config: listener: ${options}`,
    },
  )
}

function exposed(label: string, why: string, hint?: string): AppError {
  return new AppError("socket-folder-open", `${label}: ${why}; nothing was sent`, {
    hint:
      hint ??
      "let the server make its socket in a folder that only its own user can change (as " +
        "/run/redis, mode 0755); or say under that secret: listener: any, " +
        "and any user who can take the socket's path may be told the password",
  })
}

const faults = new Set(["listener-changed", "listener-unknown", "socket-folder-open"])

/** No password was sent, for who listens is not who should, or cannot be known. */
export function listenerFault(error: unknown): boolean {
  return error instanceof AppError && faults.has(error.code)
}

/**
 * Anyone who has answered has let go of the connection since: who it was cannot be told any more.
 */
export function isGone(error: unknown): boolean {
  return error instanceof AppError && error.code === "unreachable"
}

/** "redis (uid 105) listens at 127.0.0.1:6379", for people. */
export function sayListeners(listeners: Listeners | undefined): readonly string[] {
  return Object.entries(listeners?.seen ?? {}).map(([address, owner]) =>
    owner === "hidden"
      ? `who listens at ${address} cannot be seen from here`
      : `${sayUser(owner)} listens at ${address}`,
  )
}
