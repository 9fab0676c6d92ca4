import { z } from "zod"
import { AppError } from "../../base/error.ts"
import type { HttpAnswer } from "../drivers/server/http.ts"
import { crc32c } from "./crc32c.ts"
import { notGoogle, saidIn } from "./fault.ts"
import { googleId, type GooglePlace, resourceOf } from "./options.ts"
import type { GoogleSession } from "./session.ts"

/** A secret in Secret Manager, as the REST interface shows it. */

const Accessed = z.object({
  name: z.string(),
  payload: z.object({
    data: z.string().default(""),
    dataCrc32c: z.union([z.string(), z.number()]).transform(String).optional(),
  }),
})

/** The text of a version. undefined: there is no such secret or version. */
export async function readVersion(
  session: GoogleSession,
  place: GooglePlace,
  version: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `/v1/${resourceOf(place)}/versions/${version}:access`
  const answer = await session.ask(place, { method: "GET", path }, signal)
  if (answer.status === 404 && saidIn(answer)?.status === "NOT_FOUND") return undefined
  if (answer.status !== 200) throw await session.fault(answer, place, signal)
  return textIn(answer, place, version)
}

function textIn(answer: HttpAnswer, place: GooglePlace, version: string): string {
  const id = googleId(place)
  const { name, payload } = parsed(answer, id)
  if (!isOf(name, place, version))
    throw new AppError("google-secret-differs", `${id}: another secret answers`, {
      hint: "does google.endpoint name Secret Manager, and no proxy that answers in its place?",
    })
  const bytes = Buffer.from(payload.data, "base64")
  if (payload.dataCrc32c !== String(crc32c(bytes)))
    throw new AppError(
      "google-checksum-differs",
      `${id}: the value does not have the checksum that Google sent with it`,
      {
        remedy: "retry",
        hint:
          "it was changed on its way and is not used; if it goes on, " +
          "see what stands between here and Google",
      },
    )
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new AppError("reference-not-text", `${id} holds bytes, not text`)
  }
}

/** projects/NUMBER/secrets/rotator/versions/7: a project is answered by its number. */
function isOf(name: string, place: GooglePlace, version: string): boolean {
  const region = place.location === undefined ? "" : `/locations/${place.location}`
  const [, project = "", secret = "", number = ""] =
    new RegExp(`^projects/([^/]+)${region}/secrets/([^/]+)/versions/(\\d+)$`).exec(name) ?? []
  return (
    secret === place.secret &&
    (/^\d+$/.test(place.project) ? project === place.project : project !== "") &&
    (/^\d+$/.test(version) ? number === version : number !== "")
  )
}

/** A parser's own error would quote it. */
function parsed({ body }: HttpAnswer, id: string): z.output<typeof Accessed> {
  try {
    return Accessed.parse(JSON.parse(body))
  } catch {
    throw notGoogle(id)
  }
}
