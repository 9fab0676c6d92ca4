import { type Unfinished, dryRun as look } from "../app/dry-run.ts"
import type { App } from "../app/app.ts"
import { type Terminal, type Values, isSet } from "./command.ts"
import { exitCodes } from "./exit-codes.ts"

/** Prints what a rotation would do, step by step, and what stands in its way. */
export async function dryRun(
  terminal: Terminal,
  values: Values,
  app: App,
  chosen: ReadonlyMap<string, readonly string[] | undefined>,
): Promise<number> {
  const contain = isSet(values, "contain")
    ? { contain: { cutFirst: isSet(values, "cut-first"), patient: true } as const }
    : {}
  const why = isSet(values, "contain")
    ? ("incident" as const)
    : isSet(values, "new")
      ? ("new" as const)
      : ("asked" as const)
  const plans = []
  for (const [environment, secrets] of chosen)
    plans.push(
      await look(app, environment, {
        why,
        ...contain,
        ...(secrets === undefined ? {} : { secrets }),
      }),
    )
  if (isSet(values, "json")) terminal.out(JSON.stringify({ plans }))
  else for (const plan of plans) for (const line of linesOf(plan)) terminal.out(line)
  const blocked = plans
    .flatMap((plan) => plan.secrets)
    .filter((one) => one.blocked !== undefined).length
  const total = plans.flatMap((plan) => plan.secrets).length
  if (blocked === 0 && plans.every((plan) => plan.fault === undefined && plan.leaves.length === 0))
    return exitCodes.done
  return blocked < total ? exitCodes.partly : exitCodes.failed
}

function keptLines(keeps: number | undefined): string {
  return keeps === undefined || keeps === 0
    ? ""
    : `; ${keeps} other line${keeps === 1 ? " stays" : "s stay"}`
}

/** Without a full stop: what ends it differs by command. */
export function unfinishedLine(
  environment: string,
  { startedAt, direction, secrets }: Pick<Unfinished, "startedAt" | "direction" | "secrets">,
): string {
  return `${environment}: the rotation of ${startedAt.slice(0, 19)}Z is not finished (going ${direction === "back" ? "back" : "on"}): ${secrets.join(", ")}`
}

type Plan = Awaited<ReturnType<typeof look>>

function linesOf(plan: Plan): readonly string[] {
  const going = plan.secrets.filter((one) => one.blocked === undefined)
  const anew = plan.unfinished.flatMap((one) => one.anew)
  const many = `${going.length} secret${going.length === 1 ? "" : "s"}`
  const lines = [
    ...plan.unfinished.map(
      (one) =>
        `${unfinishedLine(plan.environment, one)}. Without --dry-run this command ends it first${one.anew.length === 0 ? "" : `, then rotates ${one.anew.length < one.secrets.length ? one.anew.join(", ") : one.anew.length === 1 ? "it" : "them"} anew`}.`,
    ),
    `Would ${plan.unfinished.length === 0 ? "" : "then "}rotate ${many} of ${plan.environment}${going.length > 1 ? " in one change set" : ""}${anew.length === 0 ? "" : `, beside ${anew.join(", ")}`}. Nothing was changed.`,
  ]
  const width = Math.max(0, ...plan.secrets.map((one) => one.name.length))
  const section = (title: string, rows: readonly string[]): void =>
    rows.forEach((row, index) => lines.push(`  ${(index === 0 ? title : "").padEnd(11)} ${row}`))
  section(
    "1 preflight",
    plan.secrets.map(
      (one) =>
        `${one.name.padEnd(width)}  ${one.blocked === undefined ? `ok${one.notes.length === 0 ? "" : `   ${one.notes.join(", ")}`}` : `NO   ${one.blocked.says} (${one.blocked.code})`}`,
    ),
  )
  section(
    "2 apply",
    going.map((one) => `${one.name.padEnd(width)}  ${one.apply}    gap: ${one.gap}`),
  )
  section(
    "3 deliver",
    plan.fault === undefined
      ? plan.outputs.flatMap((one) => [
          one.gone ??
            `${one.target}  ${one.changes.length === 0 ? "no change" : `${one.changes.join(", ")} change`}${keptLines(one.keeps)}`,
          ...(one.narrows === undefined ? [] : [`  note: ${one.narrows}`]),
        ])
      : [`NO   ${plan.fault.says} (${plan.fault.code})`],
  )
  section(
    "",
    plan.leaves.map(
      ({ target, says, code }) => `OWED ${target} would stay as it is: ${says} (${code})`,
    ),
  )
  section(
    "",
    plan.stays.map(({ says }) => `LEFT ${says} (variable-left)`),
  )
  section(
    "4 restart",
    plan.restarts.flatMap((one) => [
      `${one.name}: ${one.says}${one.replaces === undefined ? "" : ` (${one.replaces})`}${one.health === undefined ? "; no health check: a restart proves little" : `, then ${one.health}`}`,
      ...one.notes.map((note) => `  note: ${note}`),
    ]),
  )
  section(
    "5 revoke",
    going.map((one) => `${one.name.padEnd(width)}  ${one.revoke}`),
  )
  for (const hint of new Set(plan.secrets.flatMap((one) => one.blocked?.hint ?? [])))
    lines.push(`  hint: ${hint}`)
  for (const hint of new Set(plan.leaves.flatMap((one) => one.hint ?? [])))
    lines.push(`  hint: ${hint}`)
  if (plan.fault?.hint !== undefined) lines.push(`  hint: ${plan.fault.hint}`)
  return lines
}
