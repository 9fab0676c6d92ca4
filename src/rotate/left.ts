import { type Left, leftIn, versionsIn } from "../core/left.ts"
import type { Session } from "./session.ts"

/** Lines and files beside the outputs of these secrets that show one of their values and that nobody replaces. What cannot be read is told elsewhere. */
export async function leftBeside(
  session: Session,
  names: readonly string[],
): Promise<readonly { readonly target: string; readonly left: Left }[]> {
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
