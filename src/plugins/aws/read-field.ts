import { within } from "../../base/deadline.ts"
import { AppError } from "../../base/error.ts"
import type { ReferenceReach } from "../../core/define.ts"
import { entryId, type SecretPlace } from "./options.ts"
import { fieldIn } from "../references/json-field.ts"
import { SecretCalls } from "./secrets.ts"
import { sessionFor } from "./session.ts"

export const readMs = 30_000

/** The secret's text, or one field of its JSON object, as it is now. */
export function readSecret(
  place: SecretPlace,
  field: string | undefined,
  { host, ...reach }: ReferenceReach,
): Promise<string> {
  if (host === undefined) throw new AppError("internal", "AWS was asked without a clock")
  return within(readMs, async (signal) => {
    const calls = new SecretCalls(sessionFor(place.aws, { ...reach, host }), place)
    const value = await calls.current(signal)
    const id = entryId(place)
    if (value === undefined)
      throw new AppError("reference-missing", `there is no secret ${id}, or it holds nothing`, {
        hint:
          "it holds a credential that the config asks for: correct its name, " +
          "region and account, or write it there",
      })
    if (value.SecretString === undefined)
      throw new AppError("reference-not-text", `${id} holds bytes, not text`)
    return field === undefined ? value.SecretString : fieldIn(value.SecretString, field, id)
  })
}
