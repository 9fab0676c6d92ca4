import { z } from "zod"
import { AppError } from "../../base/error.ts"
import type { HttpAnswer } from "../drivers/server/http.ts"
import { codesIn, notKeyVault } from "./fault.ts"
import { type AzurePlace, azureId } from "./options.ts"
import type { AzureSession } from "./session.ts"

/** A secret in a vault, as the REST interface shows it. */

/** Of the interface: the oldest that all clouds have and that is not retired. */
const version = "api-version=7.4"

const seconds = z.number().int().positive().optional().catch(undefined)
const Bundle = z.object({
  value: z.string(),
  id: z.string(),
  attributes: z.object({ exp: seconds, nbf: seconds }).catch({}),
})
const Deleted = z.object({ scheduledPurgeDate: seconds })

export type AzureValue = {
  readonly text: string
  /** When the one who wrote it wants it to end. Azure gives it out none the less. */
  readonly endsAt?: Date
}

/** The newest version. undefined: the vault has no such secret. */
export async function readNewest(
  session: AzureSession,
  place: AzurePlace,
  signal: AbortSignal,
): Promise<AzureValue | undefined> {
  const path = `/secrets/${place.secret}?${version}`
  const answer = await session.ask(place, { method: "GET", path }, signal)
  if (answer.status === 404 && codesIn(answer).code === "SecretNotFound") {
    await refuseDeleted(session, place, signal)
    return undefined
  }
  if (answer.status !== 200) throw await session.fault(answer, place, signal)
  return valueIn(answer, place)
}

function valueIn(answer: HttpAnswer, place: AzurePlace): AzureValue {
  const { id, value, attributes } = parsed(Bundle, answer, azureId(place))
  const url = URL.canParse(id) ? new URL(id) : undefined
  const [, kind = "", name = ""] = url?.pathname.split("/") ?? []
  const host = `${place.vault.name}.${place.vault.cloud.suffix}`
  if (
    (place.azure.endpoint === undefined && url?.hostname !== host) ||
    kind !== "secrets" ||
    name.toLowerCase() !== place.secret.toLowerCase()
  )
    throw new AppError("azure-secret-differs", `${azureId(place)}: another secret answers`, {
      hint: "does azure.endpoint name a vault, and no proxy that answers in its place?",
    })
  return {
    text: value,
    ...(attributes.exp === undefined ? {} : { endsAt: new Date(attributes.exp * 1000) }),
  }
}

/** A secret that was deleted is as absent as one that never was: the vault is asked which. */
async function refuseDeleted(
  session: AzureSession,
  place: AzurePlace,
  signal: AbortSignal,
): Promise<void> {
  const path = `/deletedsecrets/${place.secret}?${version}`
  const answer = await session.ask(place, { method: "GET", path }, signal)
  if (answer.status !== 200) return
  const { scheduledPurgeDate: at } = parsed(Deleted, answer, azureId(place))
  const until = at === undefined ? "" : `; it is purged on ${day(at)}`
  throw new AppError("azure-secret-deleted", `${azureId(place)}: the secret is deleted${until}`, {
    hint:
      `az keyvault secret recover --vault-name ${place.vault.name} --name ${place.secret} ` +
      "brings it back; or name another secret",
  })
}

function day(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

/** A parser's own error would quote it. */
function parsed<Schema extends z.ZodType>(
  schema: Schema,
  { body }: HttpAnswer,
  message: string,
): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(body))
  } catch {
    throw notKeyVault(message)
  }
}
