import type { EnvironmentConfig } from "../config/model.ts"
import { inspectTemplate } from "../plugins/outputs/liquid.ts"
import type { App } from "./app.ts"

/**
 * Files of a pair's secret that name its user of now alone. To a program that logs in by it that is
 * right; one that lets others
 * in by it, as PgBouncer does by its userlist.txt, refuses who still uses the other user, from its
 * reload on.
 */
export function oneUserFiles(
  plugins: App["plugins"],
  { secrets, outputs }: EnvironmentConfig,
  name: string,
): readonly string[] {
  const secret = secrets[name]
  const type = plugins.drivers.find((one) => one.type === secret?.driver)
  if (
    secret === undefined ||
    type === undefined ||
    type.logins === undefined ||
    type.logins(type.options.parse(secret.options)).length < 2
  )
    return []
  return outputs.flatMap(({ type: kind, target, options }) =>
    kind === "template" && namesOneUser(options, name) ? [target] : [],
  )
}

function namesOneUser(options: unknown, name: string): boolean {
  const { text }: { readonly text?: unknown } = Object(options)
  if (typeof text !== "string") return false
  const fields = inspectTemplate(text).references.flatMap(({ secret, field }) =>
    secret === name ? [field] : [],
  )
  return fields.includes("user") && !fields.includes("previous.user")
}

export function sayOneUser(file: string, name: string): string {
  return `${file} names one user of ${name} at a time: a program that logs in by it is well; one that lets others in by it, as PgBouncer does by its userlist.txt, refuses the previous user from its reload on`
}

export function bothUsers(name: string): string {
  return `if the file is for a pooler, show the other user there too: {{ ${name}.previous.user }} and {{ ${name}.previous.password }}; else there is nothing to do`
}
