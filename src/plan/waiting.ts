import { type OpenSets, openSets } from "../core/change-set.ts"
import type { StateDocument } from "../core/state.ts"

/** Nothing new is begun with a secret until this is over. */
export type Waiting = { readonly secret: string; readonly message: string }

/** By the state; of these secrets. */
export function waitingIn(
  document: StateDocument | undefined,
  secrets: Readonly<Record<string, unknown>>,
): readonly Waiting[] {
  return [...unfinished(document), ...uncertain(document)].filter(
    ({ secret }) => secrets[secret] !== undefined,
  )
}

function unfinished(document: OpenSets | undefined): readonly Waiting[] {
  return openSets(document).flatMap(({ secrets, waits }) => {
    const cause = waits === undefined ? "" : `: ${waits.secret}: ${waits.message} (${waits.code})`
    return secrets.map((secret) => ({
      secret,
      message: `its unfinished rotation must end first${cause}`,
    }))
  })
}

function uncertain(document: StateDocument | undefined): readonly Waiting[] {
  return Object.entries(document?.secrets ?? {}).flatMap(([secret, { versions }]) =>
    versions.flatMap(({ id, stage }) =>
      stage.kind === "uncertain"
        ? [
            {
              secret,
              message: `its service must refuse ${id} first, which may still be accepted (${stage.why})`,
            },
          ]
        : [],
    ),
  )
}
