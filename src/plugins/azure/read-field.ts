import { within } from "../../base/deadline.ts"
import { AppError } from "../../base/error.ts"
import type { ReferenceReach } from "../../core/define.ts"
import type { EntryInspection } from "../../core/entry.ts"
import { fieldIn } from "../references/json-field.ts"
import { type AzurePlace, azureId } from "./options.ts"
import { type AzureValue, readNewest } from "./secret.ts"
import { type AzureSession, azureSession } from "./session.ts"

const readMs = 30_000

/** The secret's text, or one field of its JSON object, as it is now. */
export function readSecret(
  place: AzurePlace,
  field: string | undefined,
  reach: ReferenceReach,
): Promise<string> {
  return within(readMs, async (signal) => {
    const { text } = await read(sessionOf(place, reach), place, signal)
    return textIn(text, field, place)
  })
}

/** Who we are at Azure, and whether the credential can be read there. */
export async function inspectSecret(
  place: AzurePlace,
  field: string | undefined,
  reach: ReferenceReach,
  signal: AbortSignal,
): Promise<EntryInspection> {
  const session = sessionOf(place, reach)
  const account = await session.identity(signal)
  const { text, endsAt } = await read(session, place, signal)
  textIn(text, field, place)
  const now = reach.host?.now() ?? new Date(0)
  if (endsAt === undefined || endsAt > now) return { account, findings: [] }
  const finding = {
    code: "azure-secret-expired",
    severity: "warning",
    message:
      `${azureId(place)}: the secret has expired on ${endsAt.toISOString().slice(0, 10)}; ` +
      "Azure still gives it out, and it is used",
    remedy: "write a new version with the credential that the service takes, or correct the date",
  } as const
  return { account, findings: [finding] }
}

function sessionOf(place: AzurePlace, { host, ...reach }: ReferenceReach): AzureSession {
  if (host === undefined) throw new AppError("internal", "Azure was asked without a clock")
  return azureSession(place, { ...reach, host })
}

async function read(
  session: AzureSession,
  place: AzurePlace,
  signal: AbortSignal,
): Promise<AzureValue> {
  const value = await readNewest(session, place, signal)
  if (value === undefined)
    throw new AppError("reference-missing", `there is no secret ${azureId(place)}`, {
      hint: "it holds a credential that the config asks for: correct vault and secret, or write it there",
    })
  return value
}

function textIn(text: string, field: string | undefined, place: AzurePlace): string {
  return field === undefined ? text : fieldIn(text, field, azureId(place))
}
