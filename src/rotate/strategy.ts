import type { ChangeSet, Containment } from "../core/change-set.ts"
import type { UnhealthyDeployment } from "../core/unhealthy.ts"
import type { Order } from "./order.ts"

/**
 * What change sets differ in: an ordinary rotation, a first value, a containment, and a value that
 * was found alive (reconcile). It is chosen once, from the order or from the open change set; the
 * stages ask for a decision by its name, never for the kind.
 */
export type Strategy = {
  /** A program that is unhealthy before keeps its secrets out: its health could prove nothing. */
  readonly needsHealthyPrograms: boolean
  /** A program that cannot be restarted keeps its secrets out; otherwise it is a warning. */
  readonly needsRunnablePrograms: boolean
  /** A server that gives no answer is waited for until its deadline. */
  readonly waitsForSilentServers: boolean
  /** What its service accepts now is replaced, even if an intruder has set it. */
  readonly overrulesService: boolean
  /** What an intruder has left at a service, and the change set ends, stands in the log. */
  readonly logsWhatItEnds: boolean
  /** Nothing of the present values is kept in the new ones. */
  readonly startsAfresh: boolean
  /** An output that cannot be written is left as it is, and owed. */
  readonly leavesUnwritable: boolean
  /** Outputs show the former value beside the new one, if the service takes both. */
  readonly showsFormerBeside: boolean
  /** What an output needs is written down while the services are still asked for their proofs. */
  readonly writesAhead: boolean
  /** A proof of an earlier run holds in this one, too. */
  readonly trustsEarlierProof: boolean
  /** A login may be kept shut while it gets the new value: settling opens it with that. */
  readonly shutsLogins: boolean
  /** Sessions that were opened with an older value are ended, whatever the config says. */
  readonly endsSessions: boolean
  /** Every answer begins the wait for the services that have not answered anew. */
  readonly waitsFromLastAnswer: boolean
  /** Older values are taken away before the outputs are written. */
  readonly revokesFirst: boolean
  /**
   * If something goes wrong, all is put back. Where that cannot be (`cannotGoBack`), an unhealthy
   * program ends nothing: it is noted in the journal, all programs are visited, and the new value
   * becomes current all the same.
   */
  readonly goesBack: boolean
  /** If reconcile finds another version alive, the change set goes on with that one. */
  readonly takesFoundVersion: boolean
  /**
   * What becomes of the value that was current: it keeps its grace; it is dead, since its service
   * refused it; it is revoked at once, with all other values and sessions.
   */
  readonly former: "graced" | "refused" | "revoked"
  /** The new value is as old as the change set; otherwise as old as it was. */
  readonly agesAnew: boolean
  /** The secret counts as contained with its new value. */
  readonly contains: boolean
}

const rotation: Strategy = {
  needsHealthyPrograms: true,
  needsRunnablePrograms: true,
  waitsForSilentServers: true,
  overrulesService: false,
  logsWhatItEnds: false,
  startsAfresh: false,
  leavesUnwritable: false,
  showsFormerBeside: true,
  writesAhead: true,
  trustsEarlierProof: false,
  shutsLogins: false,
  endsSessions: false,
  waitsFromLastAnswer: false,
  revokesFirst: false,
  goesBack: true,
  takesFoundVersion: true,
  former: "graced",
  agesAnew: true,
  contains: false,
}

/** Its programs have had no value yet: they need not be healthy before. */
const firstValue: Strategy = { ...rotation, needsHealthyPrograms: false }

/** The value lives already: nothing is better than going on. */
const reconcile: Strategy = {
  ...rotation,
  showsFormerBeside: false,
  trustsEarlierProof: true,
  goesBack: false,
  former: "refused",
  agesAnew: false,
}

/** The present values are in wrong hands: nothing that an intruder can bring about stops it. */
const containment: Strategy = {
  needsHealthyPrograms: false,
  needsRunnablePrograms: false,
  waitsForSilentServers: false,
  overrulesService: true,
  logsWhatItEnds: true,
  startsAfresh: true,
  leavesUnwritable: true,
  showsFormerBeside: false,
  writesAhead: false,
  trustsEarlierProof: false,
  shutsLogins: true,
  endsSessions: true,
  waitsFromLastAnswer: true,
  revokesFirst: false,
  goesBack: false,
  takesFoundVersion: false,
  former: "revoked",
  agesAnew: true,
  contains: true,
}

/** By an order, or by an open change set. */
export function strategyOf(of: Pick<Order, "why" | "contain"> | undefined): Strategy {
  if (of?.contain !== undefined)
    return {
      ...containment,
      revokesFirst: of.contain.revokeFirst,
      waitsForSilentServers: of.contain.longRetries === true,
    }
  if (of?.why === "reconcile") return reconcile
  return of?.why === "new" ? firstValue : rotation
}

/** What a change set keeps of the order, so that a recovery chooses the same strategy. */
export function keptOf({ why, contain }: Order): Pick<ChangeSet, "contain" | "unhealthy"> {
  if (contain !== undefined) return { contain: { revokeFirst: contain.revokeFirst, unhealthy: {} } }
  return why === "new" ? { unhealthy: {} } : {}
}

/** The programs that the journal has noted as unhealthy. */
export function unhealthyIn(set: ChangeSet): readonly UnhealthyDeployment[] {
  const { notRestarted = [] } = set
  return Object.entries(notedIn(set)).map(([name, why]) => ({
    name,
    why,
    ...(notRestarted.includes(name) ? { notRestarted: true as const } : {}),
  }))
}

/** `why` is undefined if the program got healthy. */
export function withHealthOf(set: ChangeSet, program: string, why: string | undefined): ChangeSet {
  const { [program]: _, ...others } = notedIn(set)
  const unhealthy = why === undefined ? others : { ...others, [program]: why }
  if (set.contain !== undefined) return { ...set, contain: { ...set.contain, unhealthy } }
  return why === undefined && set.unhealthy === undefined ? set : { ...set, unhealthy }
}

/** An older release has not written down which programs got healthy, save in a containment. */
export function tellsHealth({ contain, unhealthy }: ChangeSet): boolean {
  return (contain ?? unhealthy) !== undefined
}

function notedIn({ contain, unhealthy }: ChangeSet): Containment["unhealthy"] {
  return contain?.unhealthy ?? unhealthy ?? {}
}
