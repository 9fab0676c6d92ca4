import { within } from "../../base/deadline.ts"
import { AppError } from "../../base/error.ts"
import type { ReferenceReach } from "../../core/define.ts"
import type { EntryInspection } from "../../core/entry.ts"
import { fieldIn } from "../references/json-field.ts"
import { googleId, type GooglePlace } from "./options.ts"
import { readVersion } from "./secret.ts"
import { type GoogleSession, googleSession } from "./session.ts"

const readMs = 30_000

/** What of a secret is the credential. */
export type Wanted = { readonly version: string; readonly field?: string | undefined }

/** The secret's text, or one field of its JSON object, as it is now. */
export function readSecret(
  place: GooglePlace,
  wanted: Wanted,
  reach: ReferenceReach,
): Promise<string> {
  return within(readMs, (signal) => read(sessionOf(place, reach), place, wanted, signal))
}

/** Who we are at Google, and whether the credential can be read there. */
export async function inspectSecret(
  place: GooglePlace,
  wanted: Wanted,
  reach: ReferenceReach,
  signal: AbortSignal,
): Promise<EntryInspection> {
  const session = sessionOf(place, reach)
  const account = await session.identity(signal)
  await read(session, place, wanted, signal)
  return { account, findings: [] }
}

function sessionOf(place: GooglePlace, { host, ...reach }: ReferenceReach): GoogleSession {
  if (host === undefined) throw new AppError("internal", "Google was asked without a clock")
  return googleSession(place, { ...reach, host })
}

async function read(
  session: GoogleSession,
  place: GooglePlace,
  { version, field }: Wanted,
  signal: AbortSignal,
): Promise<string> {
  const text = await readVersion(session, place, version, signal)
  const id = googleId(place)
  if (text === undefined)
    throw new AppError("reference-missing", `there is no secret ${id} with a version ${version}`, {
      hint:
        "it holds a credential that the config asks for: correct project, location, " +
        "secret and version, or write it there",
    })
  return field === undefined ? text : fieldIn(text, field, id)
}
