import { AppError } from "../base/error.ts"
import { draftAll } from "../deliver/delivery.ts"
import type { App } from "./app.ts"
import { patient, withEnvironment } from "./environment.ts"

export type Rendered = { readonly target: string; readonly changes: readonly string[] | undefined }

/** Writes the outputs again from the current values: all of them, or none. Restarts nothing. */
export async function render(app: App, environment: string): Promise<readonly Rendered[]> {
  return withEnvironment(app, environment, patient, async ({ session }) => {
    if (session.changeSet !== undefined) throw new AppError("journal-open", `${environment}: a rotation is not finished yet, so what the outputs should show is not known`, { hint: "see mycelium status" })
    const values = await session.values(() => false)
    // An output that shows a secret without a value waits for its first one.
    const outputs = session.work.outputs.filter((output) => output.shows.every((name) => values[name] !== undefined))
    const ready = await draftAll(outputs, values, session.known)
    const changed = ready.filter(({ draft }) => draft.changed)
    const event = { event: "render", outputs: changed.map(({ output }) => output.target), secrets: [...new Set(changed.flatMap(({ output }) => output.shows))] }
    try {
      // Written down before anybody can read a value there.
      if (changed.length > 0) await session.commit({ events: [event], flush: true })
      for (const { draft } of changed) await draft.commit()
    } finally {
      for (const { draft } of changed) await draft.discard()
    }
    const written = session.writes(ready)
    if (Object.entries(written).some(([target, print]) => session.document.written?.[target] !== print)) await session.commit({ written })
    return ready.map(({ output, draft }) => ({ target: output.target, changes: draft.changed ? draft.changes : undefined }))
  })
}
