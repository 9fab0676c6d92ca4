import type { Patch, Unwritten } from "../../core/state.ts"
import type { ChangeSet } from "../../core/change-set.ts"
import { changeUnwritten, owedIn, withoutOutputs, withoutPrograms } from "../../core/unwritten.ts"
import { driverOf } from "../ask.ts"
import type { Session } from "../session.ts"
import { strategyOf } from "../strategy.ts"
import { readersOf } from "../unwritten.ts"

/**
 * What `name` owes: outputs that its change set has left as they are, and programs that could not
 * be restarted.
 */
function owedBy(session: Session, set: ChangeSet, name: string): Unwritten | undefined {
  const own = session
    .outputsOf([name])
    .map(({ target }) => target)
    .filter((target) => set.leaves?.[target] !== undefined)
  const failed = readersOf(
    session,
    session.outputsOf([name]).map(({ target }) => target),
  ).filter((one) => set.notRestarted?.includes(one) === true)
  if (own.length === 0 && failed.length === 0) return undefined
  const lives = strategyOf(set).contains && driverOf(session, name).overlap === "none"
  return {
    since: session.work.host.now().toISOString(),
    outputs: Object.fromEntries(
      own.flatMap((target) => {
        const why = set.leaves?.[target]
        return why === undefined ? [] : [[target, why] as const]
      }),
    ),
    programs: [...new Set([...readersOf(session, own), ...failed])],
    ...(lives ? { lives: true as const } : {}),
  }
}

/**
 * A program that the config has no more goes on taking the old value of a secret that no service
 * asks for, however often that one is rotated.
 */
function stillTaken(
  { work }: Session,
  before: Unwritten | undefined,
  owed: Unwritten | undefined,
): Unwritten | undefined {
  const isKnown = (name: string): boolean => work.deployments.some((one) => one.name === name)
  const gone = before?.lives === true ? before.programs.filter((name) => !isKnown(name)) : []
  if (before === undefined || gone.length === 0) return owed
  return {
    since: before.since,
    outputs: owed?.outputs ?? {},
    programs: [...new Set([...gone, ...(owed?.programs ?? [])])],
    lives: true,
    gone,
  }
}

/**
 * At the end of a way forward: by secret, of those that it was for and of those that stand beside
 * them in an output.
 */
export function owedAfter(
  session: Session,
  set: ChangeSet,
  names: readonly string[],
): Readonly<Record<string, Patch>> {
  const written = session
    .outputsOf(names)
    .map(({ target }) => target)
    .filter((target) => set.leaves?.[target] === undefined)
  const beside = Object.entries(session.document.secrets)
    .filter(([name, { unwritten }]) => unwritten !== undefined && !names.includes(name))
    .map(([name]) => [name, changeUnwritten(withoutOutputs(written))] as const)
  const own = names.map((name) => {
    const owed = owedBy(session, set, name)
    const patch: Patch = ({ unwritten, ...state }) => {
      const next = stillTaken(session, unwritten, owed)
      return next === undefined ? state : { ...state, unwritten: next }
    }
    return [name, patch] as const
  })
  return restartedAfter(session, set, Object.fromEntries([...beside, ...own]))
}

/** A program that was restarted meanwhile, and reads nothing that is still owed, has the present values. */
function restartedAfter(
  session: Session,
  { restarted, notRestarted = [] }: ChangeSet,
  patches: Readonly<Record<string, Patch>>,
): Readonly<Record<string, Patch>> {
  const secrets = { ...session.document.secrets }
  for (const [name, patch] of Object.entries(patches)) secrets[name] = patch(session.state(name))
  const stale = readersOf(session, Object.keys(owedIn({ secrets }).outputs))
  const fresh = restarted.filter((name) => !stale.includes(name) && !notRestarted.includes(name))
  return Object.fromEntries(
    Object.entries(patches).map(([name, patch]) => [
      name,
      (state) => changeUnwritten(withoutPrograms(fresh))(patch(state)),
    ]),
  )
}

/** At the end of a way back: what stood there before a rotation was not put back. */
export function owedBack(session: Session, set: ChangeSet, name: string): Patch {
  const owed = owedBy(session, set, name)
  return ({ unwritten, ...state }) => {
    const all =
      unwritten === undefined || owed === undefined
        ? (owed ?? unwritten)
        : {
            ...unwritten,
            outputs: { ...unwritten.outputs, ...owed.outputs },
            programs: [...new Set([...unwritten.programs, ...owed.programs])],
          }
    return all === undefined ? state : { ...state, unwritten: all }
  }
}
