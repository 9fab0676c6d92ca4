import { filesAtOnce, mapConcurrently } from "../base/semaphore.ts"
import type { Config } from "../config/model.ts"
import { heldStates } from "../incident/held-states.ts"
import { verifyOne } from "../incident/verify-one.ts"
import type { Verified } from "../record/audit-verify.ts"
import { readHeads } from "./audit-heads.ts"
import { type Terminal, type Values, isSet, textOf } from "./command.ts"
import { exitCodes } from "./exit-codes.ts"
import { counted } from "./words.ts"

/** `audit verify`: each log against its own chain, its state, and heads that were kept elsewhere. */

async function verified(...asked: Parameters<typeof verifyOne>): Promise<Verified> {
  const { edited: _edited, ...rest } = await verifyOne(...asked)
  return rest
}

export async function verifyAll(
  terminal: Terminal,
  values: Values,
  config: Config,
  names: readonly string[],
): Promise<number> {
  const file = textOf(values, "heads")
  const kept = file === undefined ? undefined : await readHeads(terminal, file, config.project)
  const held = await heldStates(config, terminal.host)
  const results = await mapConcurrently(filesAtOnce, names, async (environment) => ({
    environment,
    ...(await verified(
      terminal,
      { store: config.store, project: config.project, environment },
      {
        heads: kept?.heads.get(environment) ?? new Map(),
        held,
      },
    )),
  }))
  if (isSet(values, "json"))
    terminal.stdout(
      JSON.stringify({ logs: results, ...("unheld" in held ? { unheld: held.unheld } : {}) }),
    )
  else if ("unheld" in held)
    terminal.stderr(
      "the states' MACs were not verified, so a state and a log that were forged together " +
        `would pass: ${held.unheld}`,
    )
  for (const one of isSet(values, "json") ? [] : results)
    sayVerified(terminal, one, kept !== undefined)
  if (kept !== undefined && kept.others > 0 && !isSet(values, "json"))
    terminal.stderr(
      `${counted(kept.others, "other line")} of ${file ?? ""} without a head of ${config.project}`,
    )
  return results.some(({ faults }) => faults.length > 0) ? exitCodes.check : exitCodes.done
}

function sayVerified(
  terminal: Terminal,
  verified: Verified & { readonly environment: string },
  compared: boolean,
): void {
  const { environment, lines, head, faults } = verified
  for (const line of [...faults, ...notesOn(verified, compared)])
    terminal.stderr(`${environment}: ${line}`)
  terminal.stdout(`${environment} ${lines} ${head}`)
}

/** What is no fault, but good to know. */
function notesOn(
  { first, held, torn, setBack, riding }: Verified,
  compared: boolean,
): readonly string[] {
  const notes: string[] = []
  if (torn > 0) notes.push(`${counted(torn, "torn line")}, closed after a crash`)
  if (riding > 0) notes.push(ridingNote(riding))
  if (setBack > 0)
    notes.push(
      `at ${counted(setBack, "line")} the time is earlier than in the line before: ` +
        "the clock was set back",
    )
  if (first > 1)
    notes.push(`begins at line ${first}: older lines were removed for their age, as the log says`)
  if (compared) notes.push(`compared with ${counted(held, "kept head")}`)
  return notes
}

function ridingNote(riding: number): string {
  const [last, them] =
    riding === 1 ? ["its last line is", "it"] : [`its last ${riding} lines are`, "them"]
  return (
    `${last} in the state but not in the log: cut off the log, or not yet written by a run that ` +
    `is at work or was killed. Nothing is lost: the next act writes ${them} into the log`
  )
}
