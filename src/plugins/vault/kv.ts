import { z } from "zod"
import { AppError, describeError } from "../../base/error.ts"
import type { Landed } from "../../core/entry.ts"
import type { HttpAnswer } from "../drivers/server/http.ts"
import { bodyOf, errorsIn, faultOf } from "./fault.ts"
import { encodePath } from "./login.ts"
import { type EntryOptions, entryId } from "./options.ts"
import { membersOf } from "./raw-json.ts"
import type { VaultSession } from "./session.ts"

/** An entry of a KV engine, version 2. */

/** The newest version, also where it is deleted: what `cas` compares. */
export type Newest = { readonly version: number; readonly isDeleted: boolean }
export type Content = {
  /** A JSON object as the server wrote it; undefined: nothing is there, or it is deleted. */
  readonly text: string | undefined
  /** undefined: there is no entry. */
  readonly newest: Newest | undefined
}

const Version = z.object({
  version: z.number().int().positive(),
  deletion_time: z.string().catch(""),
  destroyed: z.boolean().catch(false),
})
const Read = z.object({
  data: z.object({ data: z.record(z.string(), z.unknown()).nullable(), metadata: Version }),
})
const Written = z.object({ data: Version })
const Metadata = z.object({
  data: z.object({
    current_version: z.number().int().nonnegative(),
    delete_version_after: z.string().catch("0s"),
    max_versions: z.number().catch(0),
    versions: z.record(z.string(), Version.omit({ version: true })).catch({}),
  }),
})
/** `at`: the server's clock. */
export type EntryMetadata = z.output<typeof Metadata>["data"] & { readonly at: number }

export function pathTo(
  what: "data" | "metadata" | "destroy",
  { mount, path }: EntryOptions,
): string {
  return `/v1/${encodePath(mount)}/${what}/${encodePath(path)}`
}

/** "vault:https://…/secret/shop/db, as approle", for errors. */
export function messageOf(session: VaultSession, place: EntryOptions): string {
  return `${entryId(place)}, as ${session.method}`
}

/** Deleting a version keeps its number, and changes what stands there. */
export function markOf({ version, isDeleted }: Newest): string {
  return isDeleted ? `${version}-deleted` : String(version)
}

/** What `cas` is given: 0 where there is no entry. */
export function versionIn(mark: string | undefined): number {
  return mark === undefined ? 0 : Number.parseInt(mark, 10)
}

/** The newest version with its content. */
export async function readEntry(
  session: VaultSession,
  place: EntryOptions,
  signal: AbortSignal,
): Promise<Content> {
  const answer = await session.ask({ method: "GET", path: pathTo("data", place) }, signal)
  const message = messageOf(session, place)
  // A version that is deleted is answered with 404, and stays the newest.
  const isMissing = answer.status === 404 && errorsIn(answer) === ""
  if (answer.status !== 200 && !isMissing) throw faultOf(answer, message)
  const said = Read.safeParse(bodyOf(answer, message))
  if (!said.success) {
    if (isMissing) return { text: undefined, newest: undefined }
    throw noVersions(message)
  }
  const { data, metadata } = said.data.data
  const newest = { version: metadata.version, isDeleted: data === null }
  return { text: data === null ? undefined : contentIn(answer), newest }
}

function contentIn({ body }: HttpAnswer): string {
  return membersOf(membersOf(body).get("data") ?? "{}").get("data") ?? "{}"
}

/** KV version 1 answers the same path with other words, if it does. */
function noVersions(message: string): AppError {
  return new AppError(
    "vault-mount-missing",
    `${message}: what is mounted there is no KV version 2`,
    {
      hint: "vault kv enable-versioning MOUNT makes one of version 1; or correct mount and path",
    },
  )
}

/** undefined: there is no entry. */
export async function metadataOf(
  session: VaultSession,
  place: EntryOptions,
  signal: AbortSignal,
): Promise<EntryMetadata | undefined> {
  const answer = await session.ask({ method: "GET", path: pathTo("metadata", place) }, signal)
  const message = messageOf(session, place)
  if (answer.status === 404 && errorsIn(answer) === "") return undefined
  if (answer.status !== 200) throw faultOf(answer, message)
  const said = Metadata.safeParse(bodyOf(answer, message))
  if (said.success) return { ...said.data.data, at: Date.parse(answer.date ?? "") }
  throw noVersions(message)
}

/** Reads no value. */
export async function newestOf(
  session: VaultSession,
  place: EntryOptions,
  signal: AbortSignal,
): Promise<Newest | undefined> {
  const metadata = await metadataOf(session, place, signal)
  // An entry of which nothing but settings was written.
  if (metadata === undefined || metadata.current_version === 0) return undefined
  const version = metadata.current_version
  const own = metadata.versions[String(version)]
  const isDeleted = own === undefined || own.destroyed || isPast(own.deletion_time, metadata.at)
  return { version, isDeleted }
}

/** A time that is to come stands there, too, where versions expire. `at` is a whole second. */
function isPast(time: string, at: number): boolean {
  return time !== "" && !(Date.parse(time) >= at + 1000)
}

/** A compare-and-swap, sent once. */
export async function writeEntry(
  session: VaultSession,
  place: EntryOptions,
  { text, version }: { readonly text: string; readonly version: number },
  signal: AbortSignal,
): Promise<Landed> {
  const message = messageOf(session, place)
  try {
    const answer = await session.ask(
      {
        method: "POST",
        path: pathTo("data", place),
        text: `{"options":{"cas":${version}},"data":${text}}`,
      },
      signal,
    )
    if (answer.status === 200) {
      const said = Written.parse(bodyOf(answer, message))
      return { is: "done", mark: markOf({ version: said.data.version, isDeleted: false }) }
    }
    if (answer.status === 400 && /check-and-set/.test(errorsIn(answer)))
      return { is: "refused", reason: `${message}: another version was written meanwhile` }
    throw faultOf(answer, message)
  } catch (error) {
    const { code, message: reason } = describeError(error)
    return { is: isNo(code) ? "refused" : "unknown", reason }
  }
}

/** Before the request left, or by the server, which has understood and done nothing. */
function isNo(code: string): boolean {
  return (
    code !== "vault-sealed" &&
    /^(vault-|reference-|tls-|listener-|not-permitted$|server-error$)/.test(code)
  )
}
