import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { present } from "../../base/present.ts"
import type { EntryInspection } from "../../core/entry.ts"
import { bodyOf, faultOf } from "./fault.ts"
import { newestOf } from "./kv.ts"
import { mayWrite } from "./may-write.ts"
import type { EntryOptions } from "./options.ts"
import { missingRights } from "./rights.ts"
import type { VaultSession } from "./session.ts"

const Own = z.object({
  data: z.object({
    display_name: z.string().catch(""),
    policies: z.array(z.string()).catch([]),
  }),
})

/** Who we are there, and which rights are missing; what forbids a write besides. */
export async function inspectEntry(
  session: VaultSession,
  place: EntryOptions,
  signal: AbortSignal,
): Promise<EntryInspection> {
  const account = await accountOf(session, signal)
  try {
    const isThere = await isEntryThere(session, place, signal)
    const missing = await missingRights(session, place, isThere, signal)
    if (missing !== undefined) throw missing
    await mayWrite(session, place, isThere, signal)
    return { account, findings: [] }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { code, message, hint: remedy } = error
    return { account, findings: [{ code, severity: "error", message, ...present({ remedy }) }] }
  }
}

/** It may be forbidden to look: that is told as a right that is missing. */
async function isEntryThere(
  session: VaultSession,
  place: EntryOptions,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await newestOf(session, place, signal)) !== undefined
  } catch (error) {
    if (error instanceof AppError && error.code === "not-permitted") return true
    throw error
  }
}

/** A token may be forbidden to look at itself: its policies are unknown then. */
async function accountOf(session: VaultSession, signal: AbortSignal): Promise<string> {
  const path = "/v1/auth/token/lookup-self"
  const answer = await session.ask({ method: "GET", path }, signal)
  if (answer.status !== 200 && answer.status !== 403) throw faultOf(answer, session.message)
  const said = answer.status === 200 ? Own.safeParse(bodyOf(answer, session.message)) : undefined
  if (said?.success !== true) return session.method
  const { display_name, policies } = said.data.data
  const name = display_name === "" ? session.method : display_name
  return policies.length === 0 ? name : `${name} (policies ${policies.join(", ")})`
}
