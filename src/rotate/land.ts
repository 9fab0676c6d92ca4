import { type TokenOf, isEntry } from "../core/entry.ts"
import type { Draft, Output } from "../core/ports.ts"
import type { Session } from "./session.ts"

/** Makes a draft visible; of an entry, what it is at then is known from now on. */
export async function land(session: Session, output: Output, draft: Draft): Promise<void> {
  if (!isEntry(output)) {
    await draft.commit()
    return
  }
  const { work, doubted } = session
  const { target } = output
  doubted.add(target)
  const how = { turn: work.forceStop, tokenOf: tokensOf(session, target) }
  session.noteMark(target, await work.delivery.land(output, draft, how))
  doubted.delete(target)
}

function tokensOf({ work, changeSet, document }: Session, target: string): TokenOf {
  const id = changeSet?.id ?? `${document.id} ${document.serial}`
  return (content) =>
    work.vault.fingerprint(Buffer.concat([Buffer.from(`${id}\0${target}\0`), content]))
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
