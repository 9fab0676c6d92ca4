import { AppError } from "../base/error.ts"
import type { Fields } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { versionAt } from "../core/version.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "../app/app.ts"
import { tells } from "../app/tells.ts"
import { nothingShown } from "./adoptable.ts"

/** What the outputs show of a secret, and why one may show nothing that could be taken over. */

/** What all outputs together show, by secret and field; two that differ are a conflict. */
export async function shownBy(
  session: Session,
): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const all: Record<string, Record<string, string>> = {}
  for (const output of session.work.outputs) {
    for (const [secret, fields] of Object.entries(await output.adopt(output.shows))) {
      for (const [field, value] of Object.entries(fields)) {
        const other = all[secret]?.[field]
        const one =
          other === undefined || other === value
            ? value
            : await byHand(session, secret, [other, value])
        if (one === undefined)
          throw new AppError(
            "adopt-conflict",
            `two outputs show different values of ${secret}.${field}`,
            { hint: "make them the same first: only one can be the right one" },
          )
        all[secret] = { ...all[secret], [field]: one }
      }
    }
  }
  return all
}

/**
 * Of two values that no service is asked about: the one that is in no version, because a person has
 * put it into that file and not into the other one; else the current one. undefined if neither
 * tells them apart.
 */
async function byHand(
  session: Session,
  secret: string,
  values: readonly string[],
): Promise<string | undefined> {
  if (session.work.drivers[secret]?.overlap !== "none") return undefined
  const versions = await session.issued(secret, "all")
  const current = versionAt(session.state(secret), "current")?.id
  const among = (value: string): readonly string[] =>
    versions.filter((one) => holds(one.fields, value)).map(({ version }) => version)
  const unknown = values.filter((value) => among(value).length === 0)
  if (unknown.length > 0) return unknown.length === 1 ? unknown[0] : undefined
  return values.find((value) => current !== undefined && among(value).includes(current))
}

function holds(fields: Fields, value: string): boolean {
  const held = fields["password"]
  return held instanceof Secret && held.equals(new Secret("output", value))
}

/**
 * An output that is there and shows it, but only through templates that cannot be read backwards.
 */
export async function refuseUntold(
  app: App,
  session: Session,
  environment: string,
  name: string,
): Promise<void> {
  const options = app.config.environments[environment]?.outputs ?? []
  for (const output of session.outputsOf([name])) {
    const written = options.find(({ target }) => target === output.target)
    if (
      written === undefined ||
      tells(written.options, name) ||
      (await output.read()) === undefined
    )
      continue
    throw new AppError(
      "adopt-untold",
      `${output.target} shows it through a template that cannot be read backwards`,
      {
        hint:
          "show it as {{ secret.field }}, alone or with url_encode, json or base64_encode; " +
          "or give the value with --from or --ask",
      },
    )
  }
}

/** Where nothing was found because the file that would show it is not there. */
export async function refuseMissing(
  session: Session,
  name: string,
  found: Readonly<Record<string, Secret>>,
): Promise<void> {
  if (found["password"] !== undefined) return
  const missing: string[] = []
  for (const output of session.outputsOf([name]))
    if ((await output.read()) === undefined) missing.push(output.target)
  if (missing.length > 0)
    throw nothingShown(
      `no output shows a value of it yet: ${missing.join(", ")} ` +
        `${missing.length === 1 ? "does" : "do"} not exist`,
    )
}

/**
 * Before it is sealed: a file that cannot show it would keep every rotation of its neighbours from
 * being delivered.
 */
export function refuseBreakOut(session: Session, name: string, fields: Fields): void {
  for (const output of session.outputsOf([name]))
    output.mustTake?.({ [name]: { version: "adopted", fields } })
}
