import type { App } from "../app/app.ts"
import type { Outcome } from "../rotate/work.ts"
import type { Terminal } from "./command.ts"
import { exitCodes } from "./exit-codes.ts"
import { needsPerson, outcomeLines } from "./rotation-report.ts"

/**
 * A rotation that was not finished is ended before the act of any command. How it ended may need a
 * person, whatever the act itself comes to.
 */
export class EndedFirst {
  readonly #ended: { environment: string; secret: string; outcome: Outcome }[] = []

  /** The same app, which tells what it has ended. */
  heard<Of extends App>(app: Of): Of {
    return {
      ...app,
      onEndedFirst: (environment, outcomes) => {
        for (const [secret, outcome] of Object.entries(outcomes))
          this.#ended.push({ environment, secret, outcome })
      },
    }
  }

  /** Says what a person has to see to; with --json, beside the document. Returns the exit code. */
  close(terminal: Terminal, code: number, { json }: { readonly json: boolean }): number {
    const tell = json ? terminal.stderr : terminal.stdout
    // What has not ended is what these commands end, or say themselves.
    const left = this.#ended.filter(
      ({ outcome }) => outcome.kind === "rolled-back" && needsPerson(outcome),
    )
    for (const { environment, secret, outcome } of left)
      for (const line of outcomeLines(environment, secret, outcome)) tell(line)
    return left.length === 0 ? code : exitCodes.person
  }
}
