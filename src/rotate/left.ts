import { type LeftVariable, leftIn, versionsIn } from "../core/left.ts"
import type { Draft, Output } from "../core/ports.ts"
import { versionAt } from "../core/version.ts"
import type { Session } from "./session.ts"

/**
 * Lines and files beside the outputs of these secrets that show one of their values, and that no
 * rotation replaces. What cannot be read is told elsewhere.
 */
export async function leftBeside(
  session: Session,
  names: readonly string[],
): Promise<readonly { readonly target: string; readonly left: LeftVariable }[]> {
  const { vault } = session.work
  const known = versionsIn(session.document, names)
  const found = await Promise.all(
    session.work.outputs.map(async (output) => {
      const others = await output.others?.().catch(() => ({}))
      const left =
        others === undefined
          ? []
          : leftIn(known, others, (value) => vault.fingerprint(Buffer.from(value)))
      return left.map((one) => ({ target: output.target, left: one }))
    }),
  )
  return found.flat()
}

/**
 * A merged file that has gone since our values stood in it: what others had in it has gone,
 * too, and a program may need that.
 */
export function goneBefore(
  session: Pick<Session, "state">,
  { target, shows }: Pick<Output, "target" | "shows">,
  { anew, changes }: Pick<Draft, "anew" | "changes">,
): string | undefined {
  if (
    anew !== true ||
    !shows.some((name) => versionAt(session.state(name), "current") !== undefined)
  )
    return undefined
  return (
    `${target} is not there any more: it is made anew with ${changes.join(", ")} alone; ` +
    "other lines that it had are gone (put it back from a backup if a program needs them)"
  )
}
