import { describeError } from "../../base/error.ts"
import type { Credential, Output, Values } from "../../core/ports.ts"
import { Secret } from "../../core/secret.ts"
import { draftBeside, keptBeside } from "../beside.ts"
import type { Session } from "../session.ts"
import type { Look } from "./looks.ts"

/**
 * Do the outputs of this secret show `own`? What they show of others does not matter here: each of
 * those is asked for by itself.
 */
export function showsIt(session: Session, name: string, own: Credential): Promise<readonly Look[]> {
  return Promise.all(session.outputsOf([name]).map((output) => look(session, output, name, own)))
}

async function look(
  session: Session,
  output: Output,
  name: string,
  own: Credential,
): Promise<Look> {
  const { target } = output
  const alone = output.apart === true ? await changes(session, output, { [name]: own }) : undefined
  if (alone !== undefined && !("fault" in alone)) return { target, ...alone }
  // In one text with others: read backwards it may tell.
  if (await readsAs(output, name, own)) return { target, differs: false }
  const all = { ...(await session.values(() => false)), [name]: own }
  if (output.shows.some((one) => all[one] === undefined))
    return { target, differs: false, ...alone }
  const beside = await changes(session, output, all)
  return { target, ...("fault" in beside ? (alone ?? beside) : beside) }
}

async function changes(
  session: Session,
  output: Output,
  values: Values,
): Promise<Omit<Look, "target">> {
  try {
    const keeps = keptBeside(session, Object.keys(values).length === 1 ? Object.keys(values) : [])
    const [ready] = await draftBeside(session, [output], { values, keeps })
    await ready?.draft.discard()
    return { differs: ready?.draft.changed === true }
  } catch (error) {
    return { differs: true, fault: describeError(error) }
  }
}

async function readsAs(output: Output, name: string, own: Credential): Promise<boolean> {
  const shown = await output.adopt([name]).catch(() => undefined)
  const fields = Object.entries(shown?.[name] ?? {})
  return (
    fields.length > 0 &&
    fields.every(([field, value]) => {
      const held = own.fields[field]
      return held instanceof Secret ? held.equals(new Secret(name, value)) : held === value
    })
  )
}
