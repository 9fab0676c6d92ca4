import type { Stage, Version } from "../core/version.ts"
import { nextVersionId } from "../core/version-changes.ts"
import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import type { Credential, Fields } from "../core/ports.ts"
import type { SecretState } from "../core/state.ts"
import { driverOf } from "../rotate/ask.ts"
import { deploymentsOf } from "../rotate/readers.ts"
import { showsIt } from "../rotate/reconcile/shows-it.ts"
import type { Session } from "../rotate/session.ts"
import { type Noted, listening, noteKnown } from "./adopt-known.ts"
import { becomesCurrent } from "./becomes-current.ts"
import { type Adopted, type Asked, fieldsOf, isWeakIn, knownAs, same } from "./adoptable.ts"
import { prove } from "./prove-adopted.ts"
import { refuseBreakOut, refuseMissing } from "./shown-values.ts"

/** Takes over the value of one secret, proven by a login; written down by the caller. */
export async function adoptOne(
  session: Session,
  name: string,
  ask: Asked,
  noted: Noted,
): Promise<Adopted> {
  const found = await ask.found(name)
  await refuseMissing(session, name, found)
  const fields = fieldsOf(session, name, found)
  refuseBreakOut(session, name, fields)
  const { current } = await session.versions(name)
  if (current !== undefined && same(current.fields, fields)) {
    await prove(session, name, current, { current, known: current.version })
    return noteKnown(session, name, ask, noted)
  }
  if (current !== undefined && !ask.isGiven(name) && driverOf(session, name).overlap === "none")
    await refuseOlder(session, name, fields, current.version)
  // A value that is sealed already is that version: it never gets a second number.
  const known = await knownAs(session, name, fields)
  if (known !== undefined) return adoptAgain(session, name, { known, current, ask }, noted)
  const madeAt = current === undefined || ask.askedFor ? ask.madeAt(name) : undefined
  const version = nextVersionId(session.state(name))
  const adopted = { version, fields }
  const proof = await prove(session, name, adopted, { current })
  const weak = isWeakIn(fields)
  await noteAdopted(session, name, { adopted, madeAt, weak }, noted)
  return {
    kind: "adopted",
    version,
    proof,
    ...(await consequencesOf(session, name, { adopted, current, madeAt, weak })),
  }
}

type Again = {
  readonly known: string
  readonly current: Credential | undefined
  readonly ask: Asked
}

/** A former value counts again, under its own number: a person has put it back, and it works. */
async function adoptAgain(
  session: Session,
  name: string,
  { known, current, ask }: Again,
  { patches, events }: Noted,
): Promise<Adopted> {
  const adopted = await session.open(name, known)
  const proof = await prove(session, name, adopted, { current, known })
  const said = ask.askedFor ? ask.madeAt(name) : undefined
  const weak = isWeakIn(adopted.fields)
  patches[name] = becomesCurrent(known, { replaced: replaced(session, name), said, weak })
  const version = versionOf(patches[name](session.state(name)), known)
  const madeAt = version?.adopted === "undated" ? undefined : version?.madeAt
  events.push({
    event: "adopt",
    secret: name,
    version: known,
    ...present({ was: current?.version, madeAt: said }),
    ...(weak ? { weak } : {}),
  })
  return {
    kind: "adopted",
    version: known,
    stored: true,
    proof,
    ...(await consequencesOf(session, name, { adopted, current, madeAt, weak })),
  }
}

function versionOf({ versions }: SecretState, id: string): Version | undefined {
  return versions.find((one) => one.id === id)
}

type New = {
  readonly adopted: Credential
  /** When it was made, if anyone knows. */
  readonly madeAt: string | undefined
  /** It is easily guessed. */
  readonly weak: boolean
}

/** What is said of an adopted value, new or stored before. */
async function consequencesOf(
  session: Session,
  name: string,
  { adopted, current, madeAt, weak }: New & { readonly current: Credential | undefined },
) {
  return {
    weak,
    ...(await following(session, name, { adopted, isFirst: current === undefined })),
    ...present({ madeAt }),
    ...listening(session, name),
  }
}

async function noteAdopted(
  session: Session,
  name: string,
  { adopted, madeAt, weak }: New,
  { patches, events }: Noted,
): Promise<void> {
  const now = session.work.host.now().toISOString()
  const sealed = await session.work.vault.seal(name, adopted)
  const version: Version = {
    id: adopted.version,
    madeAt: madeAt ?? now,
    adopted: madeAt === undefined ? "undated" : "dated",
    stage: { kind: "current" },
    ...sealed,
  }
  patches[name] = ({ retry: _retry, weak: _weak, drift: _drift, undated: _undated, ...state }) => ({
    ...state,
    ...(weak ? { weak: true } : {}),
    driver: session.work.kinds[name] ?? "",
    rotatedAt: version.madeAt,
    versions: [
      ...state.versions.map((one) =>
        one.stage.kind === "current" ? { ...one, stage: replaced(session, name) } : one,
      ),
      version,
    ],
  })
  events.push({
    event: "adopt",
    secret: name,
    version: version.id,
    ...present({ madeAt }),
    ...(weak ? { weak } : {}),
  })
}

/**
 * A file that a backup has put back shows no value that a person chose, so an older value does not
 * count again by that.
 */
async function refuseOlder(
  session: Session,
  name: string,
  fields: Fields,
  current: string,
): Promise<void> {
  const older = await knownAs(session, name, fields)
  if (older === undefined) return
  throw new AppError(
    "output-stale",
    `the output shows ${older}, which is not current any more: that is ${current}`,
    {
      hint:
        `mycelium render ${session.work.environment} writes the current one; ` +
        "if the older one is to count again, give it: --ask or --from",
    },
  )
}

/**
 * Adopting changes nothing outside. A person is told which files show another value, and which
 * programs may hold one.
 */
async function following(
  session: Session,
  name: string,
  { adopted, isFirst }: { readonly adopted: Credential; readonly isFirst: boolean },
): Promise<{ readonly differ?: readonly string[]; readonly restart?: readonly string[] }> {
  const outputs = await showsIt(session, name, adopted)
  const differ = outputs.filter((one) => one.differs).map(({ target }) => target)
  const readers = deploymentsOf(session, [name])
  // What an output shows as it should, the programs that read that alone hold already.
  const late = isFirst
    ? readers.filter(({ reads }) => reads.some((target) => differ.includes(target)))
    : readers
  const restart = late.map((one) => one.name)
  return {
    ...(differ.length === 0 ? {} : { differ }),
    ...(restart.length === 0 ? {} : { restart }),
  }
}

/**
 * If two values can live side by side, the one before may be alive: it is revoked after its grace,
 * and proven dead; at once if the service is noted as refusing it, for no program needs it then. If
 * not, the login that was just accepted has shown that it is dead.
 */
function replaced(session: Session, name: string): Stage {
  const now = session.work.host.now()
  const isRefused = session.state(name).drift !== undefined
  const graceMs = isRefused ? 0 : (session.work.policies[name]?.graceMs ?? 0)
  if (driverOf(session, name).overlap !== "both")
    return { kind: "retired", since: now.toISOString() }
  return {
    kind: "previous",
    since: now.toISOString(),
    revokeAt: new Date(now.getTime() + graceMs).toISOString(),
    endSessions: false,
  }
}
