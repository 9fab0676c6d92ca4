import { AppError } from "../base/error.ts"
import { changeUnwritten, owingIn, withoutPrograms } from "../core/unwritten.ts"
import type { Session } from "../rotate/session.ts"

/**
 * A person says that a program which the config has no more does not run any more: it takes no old
 * value, so nothing is owed of it.
 */
export async function declareGone(session: Session, program: string): Promise<void> {
  const { deployments, environment } = session.work
  if (deployments.some(({ name }) => name === program))
    throw new AppError(
      "usage",
      `${environment}/${program} is in the config: it is restarted there`,
      {
        hint: `mycelium run --once restarts it; or take it out of the config first`,
      },
    )
  const owing = owingIn(session.document).filter(({ programs }) => programs.includes(program))
  if (owing.length === 0)
    throw new AppError("usage", `no restart of ${environment}/${program} is owed`, {
      hint: "mycelium status names the programs that were not restarted",
    })
  const secrets = owing.map(({ secret }) => secret)
  await session.commit({
    patches: Object.fromEntries(
      secrets.map((name) => [name, changeUnwritten(withoutPrograms([program]))]),
    ),
    events: [{ event: "program-gone", deployment: program, secrets }],
    flush: true,
  })
}
