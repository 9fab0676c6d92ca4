import { AppError } from "../base/error.ts"
import { present } from "../base/present.ts"
import { openContainment } from "../core/open-containment.ts"
import { withoutServer } from "../core/places.ts"
import { changeUnwritten, owingIn, withoutPrograms } from "../core/unwritten.ts"
import type { Session } from "../rotate/session.ts"

/** A person says that a program, or a server, which the config has no more is gone for good. */
export function declareGone(session: Session, gone: string): Promise<void> {
  const secrets = Object.entries(session.document.secrets).flatMap(([secret, { versions }]) =>
    versions.some(({ places = [] }) => places.includes(gone)) ? [secret] : [],
  )
  return secrets.length === 0
    ? declareProgramGone(session, gone)
    : declareServerGone(session, gone, secrets)
}

/** No value of before is accepted there: the word of a person, and noted as that. */
async function declareServerGone(
  session: Session,
  server: string,
  secrets: readonly string[],
): Promise<void> {
  const { environment, origin } = session.work
  const [there] = secrets.filter((name) => origin?.places?.[name]?.includes(server) === true)
  if (there !== undefined)
    throw new AppError("usage", `${server} is a server of ${environment}/${there} in the config`, {
      hint: `mycelium reconcile ${environment} asks it; or take it out of the config first`,
    })
  await session.commit({
    patches: Object.fromEntries(secrets.map((name) => [name, withoutServer(server)])),
    events: secrets.map((secret) => ({
      event: "server-gone",
      secret,
      server,
      ...present({ incident: openContainment(session.state(secret))?.incident }),
    })),
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
