import { daemon } from "../../app/daemon.ts"
import { when } from "../when.ts"
import type { Turn } from "../../app/turn.ts"
import { type Command, type Terminal, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"

export const run: Command = {
  usage: "The service: waits for the schedule, rotates what is due, revokes what is past its grace, recovers what was cut off. SIGTERM ends it between two steps.",
  options: {},
  run: async (terminal, _, values) => {
    const app = await openApp(terminal, values, "run")
    const say = logger(terminal, isSet(values, "json"))
    say("info", "started", { environments: Object.keys(app.config.environments).length, store: app.config.store })
    await daemon(app, {
      turned: (environment, turn) => sayTurn(say, environment, turn, app.config.environments[environment]?.timezone ?? "UTC"),
      failed: (environment, code, says) => say("error", "turn failed", { environment, code, says }),
    })
    say("info", "stopped", {})
    return exitCodes.done
  },
}

type Say = (level: "info" | "warning" | "error", message: string, fields: Readonly<Record<string, string | number>>) => void

/** Events, not prose: one line each; JSON where asked. Never a value. */
function logger(terminal: Terminal, json: boolean): Say {
  return (level, message, fields) => {
    const at = terminal.host.now().toISOString()
    if (json) terminal.out(JSON.stringify({ at, level, message, ...fields }))
    else terminal.talk(`${at} ${level.padEnd(7)} ${message}${Object.entries(fields).map(([key, value]) => ` ${key}=${typeof value === "string" && /[\s="]/.test(value) ? JSON.stringify(value) : value}`).join("")}`)
  }
}

function sayTurn(say: Say, environment: string, turn: Turn, timezone: string): void {
  for (const [secret, outcome] of Object.entries(turn.outcomes)) {
    if (outcome.is === "rotated") say(outcome.unhealthy === undefined ? "info" : "error", "rotated", { environment, secret, version: outcome.version, ...(outcome.unhealthy === undefined ? {} : { unhealthy: outcome.unhealthy }) })
    else say(outcome.is === "stuck" ? "error" : "warning", outcome.is, { environment, secret, code: outcome.code, says: outcome.says })
  }
  for (const { secret, version, death } of turn.revoked) {
    if (death.is === "dead") say("info", "revoked", { environment, secret, version, sessionsEnded: death.sessionsEnded })
    else say(death.is === "alive" ? "error" : "warning", "not revoked", { environment, secret, version, code: death.code, says: death.says })
  }
  if (turn.agenda.nextAt !== undefined) say("info", "next", { environment, at: when(turn.agenda.nextAt, timezone) })
}
