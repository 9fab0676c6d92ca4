import { within } from "../../base/deadline.ts"
import { AppError } from "../../base/error.ts"
import type { ReferenceReach } from "../../core/define.ts"
import { readEntry } from "./kv.ts"
import type { VaultReach } from "./reach.ts"
import { membersOf } from "./raw-json.ts"
import { entryId, type FieldOptions } from "./options.ts"
import { readPlainReference } from "../references/plain.ts"
import { withSession } from "./session.ts"

const readMs = 30_000

/** The text in one field, as it is now. */
export function readField(options: FieldOptions, reach: ReferenceReach): Promise<string> {
  const credential: VaultReach["credential"] = (reference) =>
    readPlainReference(reference, { ...reach, label: "Vault's login" })
  return within(readMs, (signal) =>
    withSession(options.server, { ...reach, credential }, async (session) => {
      const { text } = await readEntry(session, options, signal)
      const raw = membersOf(text ?? "{}").get(options.field)
      const place = entryId(options)
      if (text === undefined)
        throw new AppError("reference-missing", `there is no entry ${place}`, {
          hint:
            "it holds a credential that the config asks for: correct mount, " +
            "path and namespace, or write it there",
        })
      if (raw === undefined)
        throw new AppError("reference-missing", `${place} has no field ${options.field}`, {
          hint: "it holds a credential that the config asks for: correct field, or write it there",
        })
      const value: unknown = JSON.parse(raw)
      if (typeof value !== "string")
        throw new AppError(
          "reference-not-text",
          `the field ${options.field} of ${place} is no text`,
          { hint: "a credential is a text: write it in quotes, or correct field" },
        )
      return value
    }),
  )
}
