import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { bodyOf, faultOf } from "./fault.ts"
import { messageOf } from "./kv.ts"
import type { EntryOptions } from "./options.ts"
import type { VaultSession } from "./session.ts"

type Rights = Readonly<Record<string, readonly string[]>>

/** What an output needs, by path. `create` only where the entry is still to be made. */
function needed({ mount, path }: EntryOptions, isThere: boolean): Rights {
  return {
    [`${mount}/data/${path}`]: isThere ? ["read", "update"] : ["create", "read", "update"],
    [`${mount}/metadata/${path}`]: ["read"],
    [`${mount}/config`]: ["read"],
  }
}

/** As a policy is written. */
function policyText(rights: Rights): string {
  return Object.entries(rights)
    .map(
      ([path, all]) =>
        `path "${path}" { capabilities = [${all.map((one) => `"${one}"`).join(", ")}] }`,
    )
    .join(" ")
}

/** Names the rights that are missing, as a policy; undefined if none is, or the token may not ask. */
export async function missingRights(
  session: VaultSession,
  place: EntryOptions,
  isThere: boolean,
  signal: AbortSignal,
): Promise<AppError | undefined> {
  const rights = needed(place, isThere)
  const has = await capabilities(session, Object.keys(rights), signal)
  if (has === undefined) return undefined
  const missing = Object.fromEntries(
    Object.entries(rights).filter(([path, all]) => {
      const own = has[path] ?? []
      return !own.includes("root") && all.some((one) => !own.includes(one))
    }),
  )
  if (Object.keys(missing).length === 0) return undefined
  return new AppError(
    "not-permitted",
    `${messageOf(session, place)}: the server does not permit what is needed at ` +
      `${Object.keys(missing).join(", ")}`,
    { hint: `give the role of Mycelium this policy: ${policyText(missing)}` },
  )
}

async function capabilities(
  session: VaultSession,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Rights | undefined> {
  const path = "/v1/sys/capabilities-self"
  const answer = await session.ask({ method: "POST", path, body: { paths } }, signal)
  if (answer.status === 403) return undefined
  if (answer.status !== 200) throw faultOf(answer, session.message)
  const said = z
    .object({ data: z.record(z.string(), z.unknown()) })
    .safeParse(bodyOf(answer, session.message))
  if (!said.success) return undefined
  const list = z.array(z.string()).catch([])
  return Object.fromEntries(paths.map((one) => [one, list.parse(said.data.data[one])]))
}
