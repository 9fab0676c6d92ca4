import type { Session } from "../../rotate/session.ts"
import type { Inspected } from "../../rotate/inspect-programs.ts"
import { driverOf } from "../../rotate/ask.ts"
import { readersOf } from "../../rotate/unwritten.ts"
import type { Order } from "../../rotate/order.ts"

export type Cutting = {
  readonly contain: Order["contain"]
  /** Files that name one user of a pair alone. */
  readonly oneUser: readonly string[]
  /** Files that name both. */
  readonly bothUsers: readonly string[]
  /** Outputs that cannot be written, and are left as they are. */
  readonly leaves: readonly string[]
  readonly programs: readonly Inspected[]
}

/** How long programs of a secret cannot log in, in words. */
export function gapOf(session: Session, name: string, cutting: Cutting): string {
  const { overlap } = driverOf(session, name)
  if (cutting.contain === undefined) return ordinary(overlap, cutting)
  const isCutAtOnce = overlap === "one" || cutting.contain.revokeFirst
  const files = session
    .outputsOf([name])
    .map(({ target }) => target)
    .filter((target) => cutting.leaves.includes(target))
  if (overlap === "none")
    return (
      "none, " +
      `no service asks${files.length === 0 ? "" : `; ${files.join(", ")} would keep the old value`}`
    )
  const from = isCutAtOnce ? "from here" : "from the revoke"
  if (files.length > 0)
    return (
      `${from} until ${files.join(", ")} ${files.length === 1 ? "is" : "are"} written; ` +
      `${cutBy(readersOf(session, files))}`
    )
  const down = unrunnable(session, name, cutting)
  if (down.length > 0) return `${from} until they can be restarted; ${cutBy(down)}`
  if (isCutAtOnce) return "from here to the last healthy restart"
  return `${besideContained(cutting)}; but from the revoke for what has not restarted by then`
}

function ordinary(overlap: "both" | "one" | "none", cutting: Cutting): string {
  return {
    both: beside(cutting),
    one: "from here to the last healthy restart",
    none: "none, no service asks",
  }[overlap]
}

function beside({ oneUser }: Cutting): string {
  return oneUser.length === 0
    ? "none, old and new are accepted side by side"
    : "none at the server; at a pooler that reads one of the files below, see there"
}

/** A containment shows no former value, not where a pooler lets its user in by it. */
function besideContained(cutting: Cutting): string {
  const { bothUsers } = cutting
  return bothUsers.length === 0
    ? beside(cutting)
    : `none at the server; a pooler that reads ${bothUsers.join(", ")} refuses the former user ` +
        "once it is written, until programs have restarted"
}

function cutBy(programs: readonly string[]): string {
  if (programs.length === 0) return "what reads that is cut off"
  return `${programs.join(", ")} ${programs.length === 1 ? "is" : "are"} cut off`
}

/** In an incident such a program is no cause to wait. */
function unrunnable(session: Session, name: string, { programs }: Cutting): readonly string[] {
  const own = readersOf(
    session,
    session.outputsOf([name]).map(({ target }) => target),
  )
  return programs
    .filter(({ findings }) => findings.some(({ severity }) => severity === "error"))
    .map(({ deployment }) => deployment.name)
    .filter((one) => own.includes(one))
}
