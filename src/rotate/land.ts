import { isEntry } from "../core/entry.ts"
import type { Draft, Output } from "../core/ports.ts"
import type { Session } from "./session.ts"
import { stage, throwIf, tokensOf, unstaged } from "./stage.ts"

/** Makes a draft visible, staged if need be; of an entry, what it is at then is known from now on. */
export async function land(session: Session, output: Output, draft: Draft): Promise<void> {
  if (!isEntry(output)) {
    await draft.commit()
    return
  }
  const { work, doubted } = session
  const { target } = output
  const tokenOf = tokensOf(session, target)
  doubted.add(target)
  const how = { turn: work.forceStop, tokenOf }
  session.noteMark(target, await work.delivery.land(output, draft, how))
  doubted.delete(target)
  unstaged(session, target, tokenOf(draft.bytes))
}

/** The same of one by itself: staged before, which is a durable write of its own. */
export async function landAlone(session: Session, output: Output, draft: Draft): Promise<void> {
  const { [output.target]: refused } = await stage(session, [{ output, draft }])
  throwIf(refused)
  await land(session, output, draft)
}

/** Managers are asked side by side, beside all that is done to files one after the other. */
export async function sideBySide(
  outputs: readonly Output[],
  act: (output: Output) => Promise<void>,
): Promise<void> {
  const entries = Promise.allSettled(outputs.filter((one) => isEntry(one)).map((one) => act(one)))
  try {
    for (const output of outputs) if (!isEntry(output)) await act(output)
  } finally {
    await entries
  }
  for (const one of await entries) if (one.status === "rejected") throw one.reason
}
