import type { EnvironmentConfig, OutputConfig } from "../config/model.ts"
import type { Finding } from "../core/ports.ts"
import { inspectTemplate } from "../plugins/outputs/liquid.ts"
import type { App } from "./app.ts"

/** What a config shows of a secret whose users take turns: each rotation changes the name, too. */

type ShownSecrets = Pick<EnvironmentConfig, "secrets" | "outputs">

/**
 * Files that name only the present user of a pair. That is right for a program that logs in by it. A
 * program that lets others in by it, as PgBouncer does by its userlist.txt, refuses the previous user
 * once it has reloaded.
 */
export function oneUserFiles(
  plugins: App["plugins"],
  environment: ShownSecrets,
  name: string,
): readonly string[] {
  if (!isPair(plugins, environment, name)) return []
  return environment.outputs.flatMap((output) =>
    output.type === "template" &&
    fieldsIn(output, name).has("user") &&
    !fieldsIn(output, name).has("previous.user")
      ? [output.target]
      : [],
  )
}

/**
 * Files that name both users of a pair, for a pooler. A containment shows the new one in both places:
 * the pooler refuses the previous user from then on, before the server does.
 */
export function bothUserFiles(
  plugins: App["plugins"],
  environment: ShownSecrets,
  name: string,
): readonly string[] {
  if (!isPair(plugins, environment, name)) return []
  return targetsShowing(environment, name, "previous.user")
}

function isPair(plugins: App["plugins"], { secrets }: ShownSecrets, name: string): boolean {
  const secret = secrets[name]
  const type = plugins.drivers.find((one) => one.type === secret?.driver)
  if (secret === undefined || type?.turns === undefined) return false
  return type.turns(type.options.parse(secret.options)).length > 1
}

/** What the templates of this output show of the secret. */
function fieldsIn({ options, shows }: OutputConfig, name: string): ReadonlySet<string> {
  if (!shows.includes(name)) return new Set()
  return new Set(
    textsIn(options).flatMap((text) =>
      inspectTemplate(text).references.flatMap(({ secret, field }) =>
        secret === name ? [field] : [],
      ),
    ),
  )
}

function targetsShowing({ outputs }: ShownSecrets, name: string, field: string): readonly string[] {
  return outputs.filter((output) => fieldsIn(output, name).has(field)).map(({ target }) => target)
}

function textsIn(options: unknown): readonly string[] {
  if (typeof options === "string") return options.includes("{{") ? [options] : []
  if (typeof options !== "object" || options === null) return []
  return Object.values(options).flatMap((one) => textsIn(one))
}

/**
 * A pair whose password is shown without its user: a program with a fixed user name is refused after
 * every other rotation. An error if no output shows the user, so that no program can know it; a
 * warning if one program reads no file that shows it.
 */
export function unshownUser(
  plugins: App["plugins"],
  environment: ShownSecrets & Pick<EnvironmentConfig, "deployments">,
  name: string,
): readonly Finding[] {
  if (!isPair(plugins, environment, name)) return []
  const passwords = targetsShowing(environment, name, "password")
  const users = targetsShowing(environment, name, "user")
  if (passwords.length === 0) return []
  if (users.length === 0) return [shownNowhere(name, passwords)]
  return environment.deployments.flatMap((program) =>
    program.reads.some((target) => users.includes(target))
      ? []
      : notReadBy(program, name, passwords),
  )
}

function shownNowhere(name: string, passwords: readonly string[]): Finding {
  return {
    code: "pair-user-unshown",
    severity: "error",
    message:
      `the user name of ${name} changes at each rotation, ` +
      `and no output shows it: ${passwords.join(", ")} would show the password of one user ` +
      "to programs that log in as the other",
    remedy:
      `show the user beside the password: {{ ${name}.user }}, and let the programs take it ` +
      "from there",
  }
}

function notReadBy(
  { name: program, reads }: EnvironmentConfig["deployments"][number],
  name: string,
  passwords: readonly string[],
): readonly Finding[] {
  const reading = reads.filter((target) => passwords.includes(target))
  if (reading.length === 0) return []
  return [
    {
      code: "pair-user-unshown",
      severity: "warning",
      message:
        `${program} reads the password of ${name} in ${reading.join(", ")}, ` +
        "and no file that shows its user name, which changes at each rotation: " +
        "if it logs in by a fixed name, it is refused",
      remedy:
        `show {{ ${name}.user }} in a file that ${program} reads, ` +
        "and let it take the name from there",
    },
  ]
}

export function sayOneUser(file: string, name: string): string {
  return (
    `${file} names one user of ${name} at a time: a program that logs in by it is well; ` +
    "one that lets others in by it, as PgBouncer does by its userlist.txt, " +
    "refuses the previous user from its reload on"
  )
}

export function bothUsers(name: string): string {
  return (
    `if the file is for a pooler, show the other user there too: {{ ${name}.previous.user }} ` +
    `and {{ ${name}.previous.password }}; else there is nothing to do`
  )
}
