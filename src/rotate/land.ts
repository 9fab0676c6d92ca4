import { isEntry } from "../core/entry.ts"
import type { Draft, Output } from "../core/ports.ts"
import { outputWaitOf } from "./output-wait.ts"
import type { Session } from "./session.ts"
import { stage, throwIf, tokensOf, unstaged } from "./stage.ts"

/** Makes a draft visible, staged if need be; of an entry, what it is at then is known from now on. */
export async function land(session: Session, output: Output, draft: Draft): Promise<void> {
  if (isEntry(output))
    noteLanded(session, { output, draft, mark: await send(session, output, draft) })
  else await draft.commit()
}

/** Writes an entry: the mark that it is at then. Until that is noted, the write may still land. */
export function send(session: Session, output: Output, draft: Draft): Promise<string> {
  const { work, doubted } = session
  doubted.add(output.target)
  const landing = { ...outputWaitOf(session), tokenOf: tokensOf(session, output.target) }
  return work.delivery.land(output, draft, landing)
}

type Landed = { readonly output: Output; readonly draft: Draft; readonly mark: string }

export function noteLanded(session: Session, { output: { target }, draft, mark }: Landed): void {
  session.noteMark(target, mark)
  session.doubted.delete(target)
  unstaged(session, target, tokensOf(session, target)(draft.bytes))
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
