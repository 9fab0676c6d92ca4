import { AppError } from "../../../base/error.ts"
import type { Host } from "../../../base/system/host.ts"
import type { Connection } from "./connection.ts"

/** The connections of a server, as CLIENT LIST shows them. */
export type Client = {
  readonly id: string
  readonly name: string
  readonly user: string
  /** Whole seconds since it connected. */
  readonly age: number
  /** "N"; "S" a replica, "M" the primary, … */
  readonly flags: string
}

export async function listClients(connection: Connection): Promise<readonly Client[]> {
  const reply = await connection.command(["CLIENT", "LIST"])
  if (typeof reply !== "string")
    throw new AppError(
      "answer-malformed",
      `${connection.label}: the server's answer to CLIENT LIST is not understood`,
    )
  return reply.split("\n").filter(Boolean).map(readClient)
}

/** `id=3 addr=… name=… age=0 … user=default …`: neither names nor users hold spaces. */
function readClient(line: string): Client {
  const fields = new Map(
    line
      .trim()
      .split(" ")
      .map((part): [string, string] => [
        part.slice(0, part.indexOf("=")),
        part.slice(part.indexOf("=") + 1),
      ]),
  )
  const field = (name: string): string => fields.get(name) ?? ""
  return {
    id: field("id"),
    name: field("name"),
    user: field("user"),
    age: Number(field("age") || "0"),
    flags: field("flags"),
  }
}

/**
 * Ends the connections that `which` picks, never our own, and looks again until none is left; how
 * many it ended.
 */
export async function endClients(
  connection: Connection,
  which: (clients: readonly Client[]) => Promise<readonly Client[]>,
  { host, signal }: { readonly host: Host; readonly signal: AbortSignal },
): Promise<number> {
  const self = String(await connection.command(["CLIENT", "ID"]))
  const ended = new Set<string>()
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 250)) {
    const left = await which((await listClients(connection)).filter(({ id }) => id !== self))
    if (left.length === 0) return ended.size
    for (const { id } of left) {
      await connection.command(["CLIENT", "KILL"], "ID", id)
      ended.add(id)
    }
    await host.pause(waitMs, signal)
  }
}
