import { present } from "../base/present.ts"
import type { AuditEvent } from "../core/audit-line.ts"
import type { Fields } from "../core/ports.ts"
import { type Patch, type SecretState } from "../core/state.ts"
import type { ChangeSet } from "../core/change-set.ts"
import { type Stage, type Version, versionAt } from "../core/version.ts"
import { nextVersionId } from "../core/version-changes.ts"
import { driverOf } from "./ask.ts"
import type { Preflight } from "./preflight/result.ts"
import { sharedBy } from "./readers.ts"
import type { Session } from "./session.ts"
import { keptOf, strategyOf } from "./strategy.ts"
import { leftEvents } from "./unwritten.ts"
import type { Order } from "./order.ts"

/** Written down first: the state and the log know the values before a service does. */
export async function generate(
  session: Session,
  order: Order,
  { members, initialValues, leaves }: Pick<Preflight, "members" | "initialValues" | "leaves">,
): Promise<void> {
  const { work } = session
  const startedAt = work.host.now().toISOString()
  const made = await generateAll(session, order, { members, initialValues, startedAt })
  const { patches } = made
  const shared = sharedBy(session, members)
  const set: ChangeSet = {
    id: work.newId(),
    why: order.why,
    ...present({ reason: order.reason, incident: order.incident }),
    startedAt,
    secrets: members,
    direction: "forward",
    ...keptOf(order),
    ...(Object.keys(leaves).length === 0 ? {} : { leaves }),
    touched: [],
    restarted: [],
    startedWith: work.startedWith,
    ...(Object.keys(shared).length === 0 ? {} : { shared }),
  }
  const events = [...made.events, ...leftEvents(session, leaves, members)]
  const taken = order.overtakes?.filter((name) => members.includes(name)) ?? []
  const aside = deferredWithout(session, taken)
  await session.commit({ patches, changeSet: set, ...aside, events, flush: true })
  const count = members.length === 1 ? "one new value" : `${members.length} new values`
  work.onProgress("generate", `${count}, sealed`)
  session.begin(set)
}

type Values = Pick<Preflight, "members" | "initialValues"> & { readonly startedAt: string }

/** One after the other: the ids and texts of a run come in the order of its secrets. */
async function generateAll(
  session: Session,
  order: Order,
  { members, initialValues, startedAt }: Values,
): Promise<{
  readonly patches: Readonly<Record<string, Patch>>
  readonly events: readonly AuditEvent[]
}> {
  const patches: Record<string, Patch> = {}
  const events: AuditEvent[] = []
  for (const name of members) {
    const initial = initialValues[name]
    const made = await generateOne(session, order, { name, initial, startedAt })
    patches[name] = made.patch
    events.push(...made.events)
  }
  return { patches, events }
}

type New = {
  readonly name: string
  /** What its service holds before a first value, as far as it can be read. */
  readonly initial: Fields | undefined
  readonly startedAt: string
}

async function generateOne(
  session: Session,
  order: Order,
  { name, initial, startedAt: madeAt }: New,
): Promise<{ readonly patch: Patch; readonly events: readonly AuditEvent[] }> {
  const { work } = session
  const id = nextVersionId(session.state(name))
  const fields = driverOf(session, name).generate(
    await session.versions(name),
    (field, shape) => work.text(`${name}.${field}`, shape),
    strategyOf(order).startsAfresh,
  )
  const sealed = await work.vault.seal(name, { version: id, fields })
  // Going back puts it in place again.
  const before = initial === undefined ? [] : [await initialVersion(session, name, initial, madeAt)]
  const given =
    order.overtakes?.includes(name) === true ? overtaken(session, name, madeAt) : undefined
  const patch: Patch = (state) => ({
    ...state,
    driver: state.versions.length === 0 ? (work.kinds[name] ?? "") : state.driver,
    versions: [
      ...(given?.versions(state) ?? state.versions),
      ...before,
      { id, madeAt, stage: { kind: "pending", proven: false }, ...sealed },
    ],
  })
  const { why, reason } = order
  const generated = {
    event: "generate",
    secret: name,
    version: id,
    why,
    ...present({ due: order.due?.[name], reason }),
  }
  return { patch, events: [...(given?.events ?? []), generated] }
}

async function initialVersion(
  { work: { vault } }: Session,
  name: string,
  fields: Fields,
  madeAt: string,
): Promise<Version> {
  const sealed = await vault.seal(name, { version: "v0", fields })
  return { id: "v0", madeAt, stage: { kind: "current" }, ...sealed }
}

/**
 * A containment takes it out of a rotation that is not finished: that one's new value may be live
 * until the containment has ended it.
 */
function overtaken(
  session: Session,
  name: string,
  since: string,
): {
  readonly versions: (state: SecretState) => readonly Version[]
  readonly events: readonly AuditEvent[]
} {
  const pending = versionAt(session.state(name), "pending")
  const stage: Stage =
    driverOf(session, name).overlap === "none"
      ? { kind: "retired", since }
      : { kind: "uncertain", why: "given up for a containment, its death not proven" }
  return {
    versions: ({ versions }) =>
      versions.map((version) =>
        version.stage.kind === "pending" ? { ...version, stage } : version,
      ),
    events:
      pending === undefined
        ? []
        : [{ event: "left", secret: name, version: pending.id, code: "overtaken" }],
  }
}

function deferredWithout(
  { document: { deferred = [] } }: Session,
  names: readonly string[],
): { readonly deferred?: readonly ChangeSet[] } {
  if (names.length === 0) return {}
  const rest = (all: readonly string[]): readonly string[] =>
    all.filter((name) => !names.includes(name))
  return {
    deferred: deferred
      .map(({ stuck = [], ...set }) => ({
        ...set,
        secrets: rest(set.secrets),
        ...(rest(stuck).length === 0 ? {} : { stuck: rest(stuck) }),
      }))
      .filter(({ secrets }) => secrets.length > 0),
  }
}
