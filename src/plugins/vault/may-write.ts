import { z } from "zod"
import { AppError } from "../../base/error.ts"
import { bodyOf, faultOf, notUnderstood } from "./fault.ts"
import { messageOf, metadataOf } from "./kv.ts"
import { encodePath } from "./login.ts"
import type { EntryOptions } from "./options.ts"
import { missingRights } from "./rights.ts"
import type { VaultSession } from "./session.ts"

/** "0s" where nothing is set; an entry's own setting goes before the engine's. */
const Settings = z.object({
  data: z.object({
    delete_version_after: z.string().catch("0s"),
    max_versions: z.number().catch(0),
  }),
})

/**
 * Refuses an entry that may not be written, or that loses what is: by a time after which the live
 * version is deleted, or where only one version is kept. `isThere`: it need not be made.
 */
export async function mayWrite(
  session: VaultSession,
  place: EntryOptions,
  isThere: boolean,
  signal: AbortSignal,
): Promise<void> {
  const [missing, own, engine] = await Promise.allSettled([
    missingRights(session, place, isThere, signal),
    metadataOf(session, place, signal),
    engineOf(session, place, signal),
  ])
  // A right that is missing is the reason of what else went wrong.
  const fault = valueOf(missing)
  if (fault !== undefined) throw fault
  refuseForgetful(session, place, { own: valueOf(own), engine: valueOf(engine) })
}

function valueOf<Value>(settled: PromiseSettledResult<Value>): Value {
  if (settled.status === "fulfilled") return settled.value
  throw settled.reason
}

type Kept = { readonly delete_version_after: string; readonly max_versions: number }

function refuseForgetful(
  session: VaultSession,
  place: EntryOptions,
  { own, engine }: { readonly own: Kept | undefined; readonly engine: Kept },
): void {
  const message = messageOf(session, place)
  const where = isSet(own?.delete_version_after) ? "the entry" : `the engine ${place.mount}`
  if (isSet(own?.delete_version_after) || isSet(engine.delete_version_after))
    throw new AppError(
      "vault-entry-expires",
      `${message}: ${where} has delete_version_after, which would take the live value away after its time`,
      {
        hint:
          `vault kv metadata put -mount=${place.mount} -delete-version-after=0s ${place.path} ends it ` +
          `for this entry, if the engine sets none; for the engine: ` +
          `vault write ${place.mount}/config delete_version_after=0s`,
      },
    )
  const kept =
    own?.max_versions === 0 ? engine.max_versions : (own?.max_versions ?? engine.max_versions)
  if (kept === 1)
    throw new AppError(
      "vault-one-version",
      `${message}: max_versions is 1, so the former value could not be looked up if a rotation went wrong`,
      {
        hint: `vault kv metadata put -mount=${place.mount} -max-versions=10 ${place.path}`,
      },
    )
}

function isSet(after: string | undefined): boolean {
  return after !== undefined && after !== "" && /[1-9]/.test(after)
}

async function engineOf(
  session: VaultSession,
  place: EntryOptions,
  signal: AbortSignal,
): Promise<Kept> {
  const path = `/v1/${encodePath(place.mount)}/config`
  const answer = await session.ask({ method: "GET", path }, signal)
  const message = `${messageOf(session, place)}: the engine's config`
  if (answer.status !== 200) throw faultOf(answer, message)
  const said = Settings.safeParse(bodyOf(answer, message))
  if (said.success) return said.data.data
  throw notUnderstood(message)
}
