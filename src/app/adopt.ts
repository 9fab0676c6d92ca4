import { AppError } from "../base/error.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Credential, Fields } from "../core/ports.ts"
import { Secret } from "../core/secret.ts"
import { isWeak } from "../core/weak.ts"
import { type Patch, type Stage, nextVersionId } from "../core/state.ts"
import { driverOf, probe, probeControl, said } from "../rotate/ask.ts"
import type { Session } from "../rotate/session.ts"
import type { App } from "./app.ts"
import { patient, withEnvironment } from "./environment.ts"
import { tells } from "./tells.ts"

export type Adopted =
  | { readonly is: "adopted"; readonly version: string; readonly proof: string; readonly weak: boolean }
  | { readonly is: "known"; readonly version: string }
  | { readonly is: "refused"; readonly code: string; readonly says: string; readonly hint?: string }

/** By secret and field: values from elsewhere than the outputs, which they come before. */
export type Given = Readonly<Record<string, Readonly<Record<string, Secret>>>>

/** Takes over the values that the outputs show (or that are given), each proven by a login. Nothing outside is changed. */
export async function adopt(app: App, environment: string, given: Given = {}): Promise<Readonly<Record<string, Adopted>>> {
  return withEnvironment(app, environment, patient, async ({ session }) => {
    if (session.changeSet !== undefined) throw new AppError("journal-open", `${environment}: a rotation is not finished yet`, { hint: "see mycelium status" })
    const shown = await shownBy(session)
    const results: Record<string, Adopted> = {}
    const patches: Record<string, Patch> = {}
    const events: AuditEvent[] = []
    for (const name of Object.keys(session.work.drivers)) {
      try {
        if (session.isOpen(name)) throw new AppError("journal-open", "an earlier rotation of it is not finished yet", { hint: "mycelium run, or rotate-now, asks its service again" })
        if (shown[name] === undefined && given[name] === undefined) await refuseUntold(app, session, environment, name)
        results[name] = await adoptOne(session, name, { ...wrapped(session, name, shown[name] ?? {}), ...given[name] }, patches, events)
      } catch (error) {
        results[name] = { is: "refused", ...said(error) }
      }
    }
    if (events.length > 0) await session.commit({ patches, events, flush: true })
    return results
  })
}

/** What all outputs together show, by secret and field; two that differ are a conflict. */
async function shownBy(session: Session): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const all: Record<string, Record<string, string>> = {}
  for (const output of session.work.outputs) {
    for (const [secret, fields] of Object.entries(await output.adopt(output.shows))) {
      for (const [field, value] of Object.entries(fields)) {
        const other = all[secret]?.[field]
        if (other !== undefined && other !== value) throw new AppError("adopt-conflict", `two outputs show different values of ${secret}.${field}`, { hint: "make them the same first: only one can be the right one" })
        all[secret] = { ...all[secret], [field]: value }
      }
    }
  }
  return all
}

/** An output that is there and shows it, but only through templates that cannot be read backwards. */
async function refuseUntold(app: App, session: Session, environment: string, name: string): Promise<void> {
  const options = app.config.environments[environment]?.outputs ?? []
  for (const output of session.outputsOf([name])) {
    const written = options.find(({ target }) => target === output.target)
    if (written === undefined || tells(written.options, name) || (await output.read()) === undefined) continue
    throw new AppError("adopt-untold", `${output.target} shows it through a template that cannot be read backwards`, { hint: "show it as {{ secret.field }}, alone or with url_encode, json or base64_encode; or give the value with --from or --ask" })
  }
}

function wrapped(session: Session, name: string, shown: Readonly<Record<string, string>>): Readonly<Record<string, Secret>> {
  return Object.fromEntries(Object.entries(shown).map(([field, value]) => [field, new Secret(`${session.work.environment}/${name}`, value)]))
}

async function adoptOne(session: Session, name: string, shown: Readonly<Record<string, Secret>>, patches: Record<string, Patch>, events: AuditEvent[]): Promise<Adopted> {
  const fields = fieldsOf(session, name, shown)
  const versions = await session.versions(name)
  const { current } = versions
  if (current !== undefined && same(current.fields, fields)) {
    if (session.state(name).drift === undefined) return { is: "known", version: current.version }
    // Somebody has set it back: proven, it counts again.
    await prove(session, name, current, current)
    patches[name] = ({ drift: _drift, ...state }) => state
    events.push({ event: "drift-over", secret: name, version: current.version })
    return { is: "known", version: current.version }
  }
  const id = nextVersionId(session.state(name))
  const proof = await prove(session, name, { version: id, fields }, current)
  const now = session.work.host.now().toISOString()
  const sealed = await session.work.vault.seal(name, { version: id, fields })
  const weak = Object.values(fields).some((value) => value instanceof Secret && isWeak(value.reveal()))
  patches[name] = ({ retry: _retry, weak: _weak, drift: _drift, ...state }) => ({
    ...state,
    ...(weak ? { weak: true } : {}),
    driver: session.work.kinds[name] ?? "",
    rotatedAt: now,
    versions: [...state.versions.map((version) => (version.stage.is === "current" ? { ...version, stage: replaced(session, name) } : version)), { id, madeAt: now, stage: { is: "current" }, ...sealed }],
  })
  events.push({ event: "adopt", secret: name, version: id, ...(weak ? { weak } : {}) })
  return { is: "adopted", version: id, proof, weak }
}

/** Where two values live side by side, the one before may: it is revoked after its grace, and proven dead. Elsewhere the login that was just accepted has shown that it is not. */
function replaced(session: Session, name: string): Stage {
  const now = session.work.host.now()
  if (driverOf(session, name).overlap !== "both") return { is: "kept", since: now.toISOString() }
  return { is: "previous", revokeAt: new Date(now.getTime() + (session.work.policies[name]?.graceMs ?? 0)).toISOString(), endSessions: false }
}

/** The shape of a version is its driver's; the values are those that stand in the files. */
function fieldsOf(session: Session, name: string, shown: Readonly<Record<string, Secret>>): Fields {
  const { text } = session.work
  const fields: Record<string, string | Secret> = {}
  for (const [field, value] of Object.entries(driverOf(session, name).draft({ doubtful: [] }, text))) {
    const found = shown[field]
    if (typeof value === "string") {
      if (found !== undefined && !found.equals(new Secret("config", value))) throw new AppError("adopt-other-login", `the outputs show another ${field} than the config names`, { hint: `correct ${field} (or role) in the config, or in the output` })
      fields[field] = value
    } else if (found !== undefined && !found.equals(new Secret("none", ""))) fields[field] = found
  }
  if (fields["password"] === undefined) throw new AppError("adopt-nothing", "no output shows a value of it yet", { hint: "write it into the output by hand first, name a file with --from, or make a first one with rotate-now --new" })
  return fields
}

function same(one: Fields, other: Fields): boolean {
  const [value, otherValue] = [one["password"], other["password"]]
  return one["user"] === other["user"] && value instanceof Secret && otherValue instanceof Secret && value.equals(otherValue)
}

async function prove(session: Session, name: string, candidate: Credential, current: Credential | undefined): Promise<string> {
  if (driverOf(session, name).overlap === "none") {
    if (current !== undefined) throw new AppError("output-drift", "the output shows a value that is in no version, while the state has one", { hint: "if the file is right, delete the secret from the state first; if the state is right, mycelium render writes it again" })
    return "no service asks for it"
  }
  const control = await probeControl(session, name, candidate)
  if (control === "accepted") throw new AppError("accepts-anything", "the service accepts a random wrong value, so a login proves nothing", { hint: "make it ask for passwords from this address (no trust or peer line in pg_hba.conf)" })
  const answer = control === "unknown" ? "unknown" : await probe(session, name, candidate)
  if (answer === "unknown") throw new AppError("no-answer", "the service gives no clear answer to a login", { hint: "see that it runs and can be reached from here, at the address in the config" })
  if (answer === "refused") throw new AppError("adopt-refused", "the service refuses the value that the output shows", { hint: "put the right one into the output first" })
  return "a login with it works, one with a wrong value is refused"
}
