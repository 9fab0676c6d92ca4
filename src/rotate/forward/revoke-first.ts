import { describeError } from "../../base/error.ts"
import { driverOf } from "../ask.ts"
import { revokeOthers } from "../revoke-others.ts"
import type { Session } from "../session.ts"

/**
 * Access is taken away before anything else; what cannot be done now is owed after the promote, as
 * all of it is.
 */
export async function revokeFirst(session: Session, names: readonly string[]): Promise<void> {
  // What no service asks for is taken until its readers restart.
  const asked = names.filter((name) => driverOf(session, name).overlap !== "none")
  await Promise.all(
    asked.map(async (name) => {
      const { pending } = await session.versions(name)
      if (pending === undefined) return
      session.cutting.add(name)
      session.work.onStep?.()
      session.work.onProgress("cut", "no value but the new one is accepted from now on", name)
      try {
        session.othersRevoked.set(
          name,
          await revokeOthers(session, name, pending, { waits: false }),
        )
      } catch (error) {
        session.work.onProgress("cut", `not done yet: ${describeError(error).message}`, name)
      }
    }),
  )
}
