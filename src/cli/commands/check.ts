import { actorOf, readFile } from "../../app/actor.ts"
import { check as look } from "../../check/check.ts"
import { type Result, bySeverity } from "../../check/self-tests/check.ts"
import type { Finding } from "../../core/ports.ts"
import { AppError } from "../../base/error.ts"
import { type Command, type Terminal, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openNamed } from "../open-config.ts"
import { counted } from "../words.ts"

export const check: Command = {
  usage: [
    "Looks for problems on this machine and in its state. Changes nothing, except modes with --fix.",
    "Opens the store's keys but no value, except with --connect, which the audit log records.",
    "Ends with 0, or with 4 if something is wrong. mycelium explain CODE says more.",
  ].join("\n"),
  options: {
    quick: {
      type: "boolean",
      summary:
        "only what takes milliseconds and needs no key, for a HEALTHCHECK: randomness, modes, who can " +
        "change the config, state, clock, whether the identity is there, whether the store can be " +
        "written. It fails on what needs a person, because a restart of the container cannot end it: " +
        "a state older than its log, a drift, a secret that is not contained, a rotation open for a " +
        "quarter of an hour (at once, if no process is at work on it and a program is cut off, or its " +
        "service refuses every known value), a rotation overdue by a day, a program left unhealthy, a " +
        "revoke an hour late. It asks no service, so a service that is down does not make it fail",
    },
    connect: {
      type: "boolean",
      summary: "log in to every service: the current value is accepted, a wrong one refused",
    },
    fix: {
      type: "boolean",
      summary: "correct the modes of the store's files and of the outputs",
    },
    strict: { type: "boolean", summary: "warnings count as errors" },
  },
  looks: true,
  run: async (terminal, args, values) => {
    if (args.length > 0)
      throw new AppError("usage", "check takes no argument", {
        hint: "it looks at everything in the config",
      })
    const options = {
      quick: isSet(values, "quick"),
      connect: isSet(values, "connect"),
      fix: isSet(values, "fix"),
    }
    if (options.quick && options.connect)
      throw new AppError("usage", "--quick and --connect contradict each other", {
        hint: "leave one out",
      })
    // All that is checked is in the config, so its plug-ins are enough.
    const { config, plugins } = await openNamed(terminal, values)
    const me = { uid: terminal.uid, gid: process.getgid?.() ?? 0 }
    const results = await look(
      {
        config,
        plugins,
        host: terminal.host,
        me,
        whoAsks: () =>
          actorOf({ uid: terminal.uid, env: terminal.host.env, read: readFile }, "check"),
        stop: terminal.stop,
      },
      options,
    )
    return say(terminal, results, { json: isSet(values, "json"), strict: isSet(values, "strict") })
  },
}

function say(
  terminal: Terminal,
  results: readonly Result[],
  options: { readonly json: boolean; readonly strict: boolean },
): number {
  const findings = bySeverity(
    results.flatMap(({ name, findings }) =>
      findings.map((finding) => ({ check: name, ...finding })),
    ),
  )
  const count = (severity: Finding["severity"]): number =>
    findings.filter((one) => one.severity === severity).length
  const [errors, warnings] = [count("error"), count("warning")]
  const good = errors === 0 && !(options.strict && warnings > 0)
  const mended = results.flatMap((one) => one.mended)
  if (options.json)
    terminal.stdout(
      JSON.stringify({
        ok: good,
        errors,
        warnings,
        findings,
        mended,
        checks: results.map(({ name, saw, findings }) => ({ name, ok: isFine(findings), saw })),
      }),
    )
  // Written at once: a line for itself is a system call for itself.
  else
    terminal.stdout(
      [...linesOf(results, findings, mended), summary(errors, warnings, results.length)].join("\n"),
    )
  return good ? exitCodes.done : exitCodes.check
}

const marks = { error: "FAIL", warning: "warn", info: "info" } as const

/** The worst first, then what was corrected, then what is fine. */
function linesOf(
  results: readonly Result[],
  findings: readonly Finding[],
  mended: readonly string[],
): readonly string[] {
  return [
    ...findings.flatMap(({ code, severity, message, remedy }) => [
      `${marks[severity]}  ${code}: ${message}`,
      ...(remedy === undefined ? [] : [`      remedy: ${remedy}`]),
    ]),
    ...mended.map((message) => `done  ${message}`),
    ...results
      .filter((one) => isFine(one.findings))
      .map(({ name, saw }) => `ok    ${name}: ${saw}`),
  ]
}

function isFine(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity === "info")
}

function summary(errors: number, warnings: number, checks: number): string {
  if (errors + warnings === 0) return `${counted(checks, "check")}: nothing is wrong`
  return (
    `${counted(checks, "check")}: ${counted(errors, "error")}, ${counted(warnings, "warning")} · ` +
    "mycelium explain CODE says more"
  )
}
