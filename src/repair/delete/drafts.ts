import { AppError } from "../../base/error.ts"
import { within } from "../../base/deadline.ts"
import type { Draft, Output } from "../../core/ports.ts"
import type { Session } from "../../rotate/session.ts"
import { deadlines } from "../../rotate/work.ts"
import type { Change } from "./deleted.ts"

/** The outputs that show a secret which is erased, without it. */

export type Without = { readonly output: Output; readonly draft: Draft }

/** Every output that shows the secret, without it; all of them, or none and a throw. */
export async function draftsWithout(session: Session, name: string): Promise<readonly Without[]> {
  const drafts: Without[] = []
  try {
    for (const output of session.outputsOf([name])) {
      const remove = output.remove?.bind(output, [name], session.issued)
      if (remove === undefined)
        throw new AppError(
          "output-cannot-remove",
          `${output.target} cannot be freed of it: this kind of output has no such way`,
          { hint: "take the output out of the config, and remove the file by hand" },
        )
      drafts.push({ output, draft: await within(deadlines.output, (signal) => remove(signal)) })
    }
    return drafts
  } catch (error) {
    await discard(drafts)
    throw error
  }
}

export async function discard(drafts: readonly Without[]): Promise<void> {
  for (const { draft } of drafts) await draft.discard()
}

export function changesOf(drafts: readonly Without[]): readonly Change[] {
  return drafts
    .filter(({ draft }) => draft.changed)
    .map(({ output, draft }) => ({ target: output.target, variables: draft.changes }))
}
