import { AppError } from "../base/error.ts"
import type { Credential, Fields, Versions } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { versionAt } from "../core/version.ts"
import { isWeak } from "../core/weak.ts"
import { driverOf, probe, probeControl, unclear } from "../rotate/ask.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "../app/app.ts"
import { tells } from "../app/tells.ts"

/** What could be adopted: read from the outputs, and proven by a login. */

export type Adopted =
  /**
   * `madeAt`: when it was made, as a person says; left out of an adopted one: nobody knows. `ours`:
   * mycelium has made it, and knows when. `listens`: who was seen to, at addresses of this machine.
   * `ended`: the journal that it was in, and what followed it. `uncontained`: the incident that
   * goes on all the same: a login that works ends nobody else's. `takenAway`: the version under
   * which a containment took away this very value. `follow`: where it took the place
   * of another one, what has still to follow it.
   */
  | {
      readonly kind: "adopted"
      readonly version: string
      /** No new one: the state held this value already. */
      readonly stored?: true
      readonly proof: string
      readonly weak: boolean
      readonly madeAt?: string
      readonly listens?: readonly string[] /** Outputs that show another value; programs that may hold one. */
      readonly differ?: readonly string[]
      readonly restart?: readonly string[]
      readonly ended?: {
        readonly outputs: readonly string[]
        readonly restarts: readonly string[]
        readonly unhealthy?: string
      }
      readonly follow?: Follow
      readonly uncontained?: string
      readonly takenAway?: string
    }
  | {
      readonly kind: "known"
      readonly version: string
      readonly madeAt?: string
      readonly ours?: true
      readonly listens?: readonly string[]
      readonly uncontained?: string
      readonly takenAway?: string
    }
  | {
      readonly kind: "refused"
      readonly code: string
      readonly message: string
      readonly hint?: string
    }

/**
 * Adopt changes no file and restarts nothing: files that are not up to date, and programs that may
 * hold the value before.
 */
export type Follow = { readonly outputs: readonly string[]; readonly restarts: readonly string[] }

/**
 * What one run of adopt takes over: the fields of a secret, and when its value was made, as far as
 * a person says. `askedFor`: on the command line, for all. `isGiven`: the value comes from a
 * person, not from an output.
 */
export type Asked = {
  readonly isGiven: (name: string) => boolean
  readonly found: (name: string) => Promise<Readonly<Record<string, Secret>>>
  readonly madeAt: (name: string) => string | undefined
  readonly askedFor: boolean
}

/** By secret and field: values from elsewhere than the outputs, which they come before. */
export type SuppliedValues = Readonly<Record<string, Readonly<Record<string, Secret>>>>

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
 * Of two values that no service is asked about: the one that is in no version was put there by a
 * person, and the other file
 * has not followed; else the current one. undefined where that does not tell.
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

/** The version that holds these values already. */
export async function knownAs(
  session: Session,
  name: string,
  fields: Fields,
): Promise<string | undefined> {
  for (const { id } of session.state(name).versions)
    if (same((await session.open(name, id)).fields, fields)) return id
  return undefined
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
        hint: "show it as {{ secret.field }}, alone or with url_encode, json or base64_encode; or give the value with --from or --ask",
      },
    )
  }
}

/**
 * Before it is sealed: a file that cannot show it would keep every rotation of its neighbours from
 * being delivered.
 */
export function refuseBreakOut(session: Session, name: string, fields: Fields): void {
  for (const output of session.outputsOf([name]))
    output.mustTake?.({ [name]: { version: "adopted", fields } })
}

export function wrapped(
  session: Session,
  name: string,
  shown: Readonly<Record<string, string>>,
): Readonly<Record<string, Secret>> {
  return Object.fromEntries(
    Object.entries(shown).map(([field, value]) => [
      field,
      new Secret(`${session.work.environment}/${name}`, value),
    ]),
  )
}

/** The shape of a version is its driver's; the values are those that stand in the files. */
export function fieldsOf(
  session: Session,
  name: string,
  shown: Readonly<Record<string, Secret>>,
  like: Versions = { uncertain: [] },
): Fields {
  const { text } = session.work
  const fields: Record<string, string | Secret> = {}
  for (const [field, value] of Object.entries(driverOf(session, name).generate(like, text))) {
    const found = shown[field]
    if (typeof value === "string") {
      if (found !== undefined && !found.equals(new Secret("config", value)))
        throw new AppError(
          "adopt-other-login",
          `the outputs show another ${field} than the config names`,
          { hint: `correct ${field} (or role) in the config, or in the output` },
        )
      fields[field] = value
    } else if (found !== undefined && !found.equals(new Secret("none", ""))) fields[field] = found
  }
  if (fields["password"] === undefined) throw nothingShown("no output shows a value of it yet")
  return fields
}

function nothingShown(message: string): AppError {
  return new AppError("adopt-nothing", message, {
    hint: "write it into the output by hand first, name a file with --from, or make a first one with rotate-now --new",
  })
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
      `no output shows a value of it yet: ${missing.join(", ")} ${missing.length === 1 ? "does" : "do"} not exist`,
    )
}

export function same(one: Fields, other: Fields): boolean {
  const [value, otherValue] = [one["password"], other["password"]]
  return (
    one["user"] === other["user"] &&
    value instanceof Secret &&
    otherValue instanceof Secret &&
    value.equals(otherValue)
  )
}

/** `issued`: the version that holds the same value already. */
export async function prove(
  session: Session,
  name: string,
  candidate: Credential,
  { current, known }: { readonly current: Credential | undefined; readonly known?: string },
): Promise<string> {
  if (driverOf(session, name).overlap === "none") return "no service asks for it"
  const control = await probeControl(session, name, candidate)
  if (control === "accepted")
    throw new AppError(
      "accepts-anything",
      "the service accepts a random wrong value, so a login proves nothing",
      {
        hint: "make it ask for passwords from this address (no trust or peer line in pg_hba.conf)",
      },
    )
  const answer = control === "unknown" ? "unknown" : await probe(session, name, candidate)
  const as = known === undefined ? "" : `it is known as ${known}, but `
  const fault = answer === "unknown" ? session.faults.get(name) : undefined
  if (fault !== undefined)
    throw new AppError(
      fault.code,
      `${as}${fault.message}`,
      fault.hint === undefined ? {} : { hint: fault.hint },
    )
  if (answer === "unknown")
    throw new AppError(
      "no-answer",
      unclear(session, name, `${as}the service gives no clear answer to a login`),
      {
        hint: "see that it runs and can be reached from here, at the address in the config",
      },
    )
  if (answer === "accepted") return "a login with it works, one with a wrong value is refused"
  if (known === undefined)
    throw new AppError("adopt-refused", "the service refuses the value that was found", {
      hint: `put the right one into the output first, or type it in: mycelium adopt ${session.work.environment} --ask${current === undefined ? "" : "; if the state has the right one, empty that line, then mycelium render writes it there"}`,
    })
  if (current !== undefined && current.version !== known)
    throw new AppError(
      "adopt-refused",
      `it is known as ${known}, which is not current any more, and the service refuses it`,
      {
        hint: `if ${current.version} works, mycelium render ${session.work.environment} writes it; else put the one that works into the output, or type it in: mycelium adopt ${session.work.environment} --ask`,
      },
    )
  throw new AppError(
    "adopt-refused",
    `${as}the service refuses it: ${session.isOpen(name) ? "the rotation that is not finished has put another one there, " : ""}it was changed there, or the login is off`,
    {
      hint: `put the one that works into the output, or type it in: mycelium adopt ${session.work.environment} --ask; else set ${known} at the service by hand (mycelium help operations shows how to open it)`,
    },
  )
}

export function isWeakIn(fields: Fields): boolean {
  return Object.values(fields).some((value) => value instanceof Secret && isWeak(value.reveal()))
}
