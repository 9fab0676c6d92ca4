import type { EnvironmentConfig } from "../../config/model.ts"
import { revokeBesideJournal } from "../../rotate/revoke/beside.ts"
import type { RevokeOptions } from "../../rotate/revoke/owed.ts"
import type { Revoked } from "../../rotate/revoke/revoked.ts"
import { Session } from "../../rotate/session.ts"
import type { Work } from "../../rotate/work.ts"
import type { App } from "../app.ts"
import { optionsIn } from "./resume-journal.ts"

type RevokeBeside = {
  readonly app: Pick<App, "plugins">
  readonly open: (options: EnvironmentConfig) => Work
  readonly today: EnvironmentConfig
  readonly stops: { follow(session: Session): Session }
}

/** If a rotation stays open: what is owed of other secrets is revoked, with today's options. */
export async function revokeBeside(
  session: Session,
  { app, open, today, stops }: RevokeBeside,
  options: RevokeOptions,
): Promise<readonly Revoked[]> {
  const { changeSet: journal } = session
  if (journal === undefined) return []
  const taken = loginsIn(app, optionsIn(journal), journal.secrets)
  const message = `its login is that of a rotation which is not finished: ${journal.secrets.join(", ")}`
  try {
    return await revokeBesideJournal(session, {
      begin: (document) => stops.follow(new Session(open(today), document, session)),
      waits: (name) =>
        loginsIn(app, today, [name]).some((login) => taken.includes(login))
          ? { code: "journal-open", message }
          : undefined,
      options,
    })
  } finally {
    stops.follow(session)
  }
}

/** Two secrets with one login stand in no config; one that was renamed since has that of before. */
function loginsIn(
  { plugins }: Pick<App, "plugins">,
  { secrets }: EnvironmentConfig,
  names: readonly string[],
): readonly string[] {
  return names.flatMap((name) => {
    const secret = secrets[name]
    const type = plugins.drivers.find((one) => one.type === secret?.driver)
    if (secret === undefined || type === undefined) return []
    return type.logins(type.options.parse(secret.options)).map((login) => `${type.type} ${login}`)
  })
}
