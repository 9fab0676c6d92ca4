import type { Socket } from "node:net"
import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { type Owner, type SocketFile, otherEnd, socketFile } from "../../base/other-end.ts"
import { sayUser, uidOf } from "../../base/users.ts"
import type { Listeners } from "../../core/listeners.ts"

/**
 * A port of this machine is no identity: any user may bind it while its server is down. So before a password goes there
 * without TLS, and before statements go to a server that asked for none, the kernel is asked who has accepted the connection.
 */

/** Who must listen: a user's name, a uid, or "any". */
export const ListenerOption = z.union([z.string().regex(/^[A-Za-z_][\w.-]{0,63}\$?$/), z.number().int().min(0).max(4_294_967_294)], {
  error: "name the user that the server runs as (redis, or a uid), or any",
})
export type ListenerOption = z.output<typeof ListenerOption>

/** Why `listener` says nothing here; undefined where it does. */
export function listenerProblem(listener: unknown, guarded: boolean): string | undefined {
  return listener === undefined || guarded ? undefined : "listener is for a server of this machine that is reached without TLS: leave it out"
}

export type Demand = { readonly says: string; readonly address: string; readonly listener: ListenerOption | undefined; readonly listeners: Listeners | undefined }

/** Begins before the connection; `check` comes once the server has answered something: only then has somebody accepted it. Throws `listener-changed`. */
export type Gate = { check(socket: Socket): Promise<void> }

/** undefined where nobody keeps a note of who listens. */
export function gateFor(to: { readonly path: string } | { readonly host: string }, demand: Demand): Gate | undefined {
  if (demand.listeners === undefined) return undefined
  if (!("path" in to)) return { check: async (socket) => judge(await acceptedBy(socket, demand), demand) }
  const before = socketFile(to.path)
  return { check: () => Promise.resolve(judge(sameFile(before, socketFile(to.path)), demand)) }
}

/** A table may leave a row out while it changes. */
const looks = 4

async function acceptedBy(socket: Socket, { says }: Demand): Promise<Owner> {
  let owner: Owner | "waiting" = "hidden"
  for (let look = 0; look < looks; look++) {
    if (look > 0) await Bun.sleep(2 ** look)
    owner = otherEnd(socket)
    if (typeof owner === "number") return owner
  }
  if (owner === "waiting") throw new AppError("unreachable", `${says}: the connection was closed`, { remedy: "retry", hint: "is the server running, and does the address name it?" })
  return owner
}

function sameFile(before: SocketFile | undefined, after: SocketFile | undefined): Owner {
  return before !== undefined && before.mark === after?.mark ? before.owner : "hidden"
}

/** Root may do anything anyway, and who we are ourselves could read the identity. */
function judge(owner: Owner, { says, address, listener, listeners }: Demand): void {
  if (listener === "any") return listeners?.saw(address, owner)
  const wanted = listener === undefined ? listeners?.expected(address) : wantedUid(listener, says)
  const trusted = owner === 0 || (owner !== "hidden" && owner === process.geteuid?.())
  if (!trusted && wanted !== undefined && wanted !== owner) throw changed(owner, { says, wanted, named: listener !== undefined })
  listeners?.saw(address, owner)
}

function wantedUid(listener: string | number, says: string): number {
  const uid = typeof listener === "number" ? listener : uidOf(listener)
  if (uid === undefined) throw new AppError("listener-unknown", `${says}: this machine has no user ${listener}, who should listen there; no password was sent`, { hint: "correct listener in the config: a name of /etc/passwd, or a uid" })
  return uid
}

function changed(owner: Owner, { says, wanted, named }: { readonly says: string; readonly wanted: Owner; readonly named: boolean }): AppError {
  const now = owner === "hidden" ? "who listens there now cannot be seen from here" : `${sayUser(owner)} listens there now`
  const before = wanted === "hidden" ? "could not be seen before" : `${sayUser(wanted)} ${named ? "should, by the config" : "did when its value was last proven"}`
  const how = owner === "hidden" ? "any, if the server has moved into a container or behind a forwarded port" : "USER under that secret"
  return new AppError("listener-changed", `${says}: ${now}; ${wanted === "hidden" ? `that ${before}` : before}; no password was sent`, {
    hint: `find out who that is (ss -ltnp): another user may have taken the address while the server was down; only if it is right, say so in the config: listener: ${how}`,
  })
}

/** No password was sent, for who listens is not who should. */
export function listenerFault(error: unknown): boolean {
  return error instanceof AppError && (error.code === "listener-changed" || error.code === "listener-unknown")
}

/** "redis (uid 105) listens at 127.0.0.1:6379", for people. */
export function sayListeners(listeners: Listeners | undefined): readonly string[] {
  return Object.entries(listeners?.seen ?? {}).map(([address, owner]) => (owner === "hidden" ? `who listens at ${address} cannot be seen from here` : `${sayUser(owner)} listens at ${address}`))
}
