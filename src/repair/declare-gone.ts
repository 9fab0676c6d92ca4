import { AppError } from "../base/error.ts"
import { leftBehind, placesIn, withoutServer } from "../core/places.ts"
import { changeUnwritten, owingIn, withoutPrograms } from "../core/unwritten.ts"
import type { Session } from "../rotate/session.ts"

/** A person says that a program, or a server, which the config has no more is gone for good. */
export function declareGone(session: Session, gone: string): Promise<void> {
  const known = Object.values(session.document.secrets).flatMap(leftBehind)
  return placesIn(known).includes(gone)
    ? declareServerGone(session, gone)
    : declareProgramGone(session, gone)
}

/** No value of before is accepted there: the word of a person, and noted as that. */
async function declareServerGone(session: Session, server: string): Promise<void> {
  const { environment, origin } = session.work
  const left = Object.entries(session.document.secrets).flatMap(([secret, state]) =>
    placesIn(leftBehind(state)).includes(server) ? [secret] : [],
  )
  const there = left.filter((secret) => origin?.places?.[secret]?.includes(server) === true)
  if (there.length > 0)
    throw new AppError(
      "usage",
      `${server} is a server of ${environment}/${there[0]} in the config`,
      {
        hint: `mycelium reconcile ${environment} asks it; or take it out of the config first`,
      },
    )
  await session.commit({
    patches: Object.fromEntries(left.map((name) => [name, withoutServer(server)])),
    events: [{ event: "server-gone", server, secrets: left }],
    flush: true,
  })
}

/**
 * A person says that a program which the config has no more does not run any more: it takes no old
 * value, so nothing is owed of it.
 */
async function declareProgramGone(session: Session, program: string): Promise<void> {
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
    throw new AppError("usage", `nothing of ${program} is owed in ${environment}`, {
      hint: "mycelium status names the programs that were not restarted, and servers that were not asked",
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
