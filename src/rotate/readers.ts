import type { Deployment } from "../core/ports.ts"
import type { ChangeSet } from "../core/change-set.ts"
import type { Session } from "./session.ts"

/**
 * The deployments that read an output which shows one of these secrets, in the config's order;
 * those that read nothing of it but `leaves` are left out.
 */
export function deploymentsOf(
  session: Session,
  names: readonly string[],
  leaves: readonly string[] = [],
): readonly Deployment[] {
  const targets = session
    .outputsOf(names)
    .map((output) => output.target)
    .filter((target) => !leaves.includes(target))
  return session.work.deployments.filter((deployment) =>
    deployment.reads.some((target) => targets.includes(target)),
  )
}

/** Of these, the values that no service asks for and that more than one program shares. */
export function sharedBy(
  session: Session,
  names: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    names
      .filter((name) => session.work.drivers[name]?.overlap === "none")
      .map((name) => [name, deploymentsOf(session, [name]).map((one) => one.name)] as const)
      .filter(([, programs]) => programs.length > 1),
  )
}

/**
 * Those that a way back must visit: programs whose restart may have begun, and those that read an
 * output which may have shown the new value: a supervisor, or a reboot, may have started them
 * meanwhile.
 */
export function mayHaveSeen(
  session: Session,
  set: ChangeSet,
  targets: ReadonlySet<string>,
): readonly string[] {
  const readers = deploymentsOf(session, set.secrets).filter(({ reads }) =>
    reads.some((target) => targets.has(target)),
  )
  return [...new Set([...set.touched, ...readers.map(({ name }) => name)])]
}

/**
 * The deployments of the change set that still have to restart in its direction; those that read a
 * held output wait.
 */
export function toRestart(
  session: Session,
  set: ChangeSet,
  held: readonly string[] = [],
): readonly Deployment[] {
  // Who reads nothing but outputs that are left as they are would read the same again.
  const all = deploymentsOf(session, set.secrets, Object.keys(set.leaves ?? {})).filter(
    (deployment) =>
      !set.restarted.includes(deployment.name) &&
      !deployment.reads.some((target) => held.includes(target)),
  )
  // On the way back only those are visited that may have seen the new value.
  return set.direction === "forward"
    ? all
    : all.filter((deployment) => set.touched.includes(deployment.name))
}
