import { type ErrorDescription, describeError } from "../../base/error.ts"
import { canShow } from "../../core/can-show.ts"
import type { Output } from "../../core/ports.ts"
import type { Session } from "../session.ts"

export type Look = {
  readonly target: string
  readonly differs: boolean
  readonly fault?: ErrorDescription
}

/**
 * What the outputs of this secret would have to change to show `version`; each is drafted and
 * thrown away.
 */
export async function looks(
  session: Session,
  name: string,
  version: string,
): Promise<readonly Look[]> {
  const found = session.state(name).versions.find(({ id }) => id === version)
  const values = {
    ...(await session.values(() => false)),
    [name]:
      found === undefined ? await session.open(name, version) : await session.shown(name, found),
  }
  const outputs = session.outputsOf([name]).filter((output) => canShow(output, values))
  return Promise.all(outputs.map((output) => readOutput(session, output, values)))
}

async function readOutput(
  session: Session,
  output: Output,
  values: Parameters<Output["prepare"]>[0],
): Promise<Look> {
  try {
    const [ready] = await session.work.delivery.draft([output], values, session.issued)
    await ready?.draft.discard()
    return { target: output.target, differs: ready?.draft.changed === true }
  } catch (error) {
    return { target: output.target, differs: true, fault: describeError(error) }
  }
}
