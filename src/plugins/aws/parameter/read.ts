import { within } from "../../../base/deadline.ts"
import { AppError } from "../../../base/error.ts"
import type { ReferenceReach } from "../../../core/define.ts"
import { fieldIn } from "../../references/json-field.ts"
import { readMs } from "../read-field.ts"
import { sessionFor } from "../session.ts"
import { ParameterCalls } from "./calls.ts"
import { parameterId, type ParameterPlace } from "./options.ts"

/** The parameter's text, or one field of its JSON object, as it is now. */
export function readParameter(
  place: ParameterPlace,
  field: string | undefined,
  { host, ...reach }: ReferenceReach,
): Promise<string> {
  if (host === undefined) throw new AppError("internal", "AWS was asked without a clock")
  return within(readMs, async (signal) => {
    const calls = new ParameterCalls(sessionFor(place.aws, { ...reach, host }), place)
    const found = await calls.get({ decrypted: true }, signal)
    const id = parameterId(place)
    if (found === undefined)
      throw new AppError("reference-missing", `there is no parameter ${id}`, {
        hint:
          "it holds a credential that the config asks for: correct its name, " +
          "region and account, or write it there",
      })
    return field === undefined ? found.Value : fieldIn(found.Value, field, id)
  })
}
