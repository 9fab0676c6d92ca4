import { inspectTemplate, isReversible } from "../plugins/outputs/liquid.ts"

/** True if some template in an output's options shows the secret and can be read backwards. */
export function tells(options: unknown, secret: string): boolean {
  if (typeof options === "object" && options !== null)
    return Object.values(options).some((value) => tells(value, secret))
  return (
    typeof options === "string" &&
    isReversible(options) &&
    inspectTemplate(options).references.some((one) => one.secret === secret)
  )
}
