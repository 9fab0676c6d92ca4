import { describeError } from "../base/error.ts"
import type { Fields, Finding } from "../core/ports.ts"
import { inspectPrograms } from "./inspect-programs.ts"
import { firstValueFindings } from "./preflight/first-value.ts"
import { withoutRoom, withoutUnwritable } from "./preflight/outputs.ts"
import {
  keptOut,
  obstaclesTo,
  withoutReadersOfRefused,
  withoutUnhealthyPrograms,
  withoutUnrunnable,
} from "./preflight/programs.ts"
import type { Kept, Preflight } from "./preflight/result.ts"
import { findingsOf } from "./preflight/secret.ts"
import { Round } from "./round.ts"
import type { Session } from "./session.ts"
import { type Strategy, strategyOf } from "./strategy.ts"
import type { Outcome } from "./work.ts"
import type { Order } from "./order.ts"

/**
 * Before any value exists: which secrets can be rotated now, and why not the others. Changes
 * nothing.
 */
export async function preflight(session: Session, order: Order): Promise<Preflight> {
  const strategy = strategyOf(order)
  const asked = await askServices(session, order, strategy)
  const programs = await inspectPrograms(session, asked.members)
  const obstacles = (name: string): readonly Finding[] => obstaclesTo(session, name, programs)
  const runnable = strategy.needsRunnablePrograms ? withoutUnrunnable(asked, obstacles) : asked
  const healthy = strategy.needsHealthyPrograms
    ? await withoutUnhealthyPrograms(session, withoutReadersOfRefused(session, runnable))
    : runnable
  const written = await withoutUnwritable(session, healthy, strategy)
  // What keeps nothing out is told beside what the service itself has found.
  const warned = asked.members.map((name) => {
    const beside = strategy.needsRunnablePrograms
      ? (session.work.obstacles?.[name] ?? []).filter(({ severity }) => severity !== "error")
      : obstacles(name).map((one): Finding => ({ ...one, severity: "warning" }))
    return [name, [...(asked.findings[name] ?? []), ...beside]] as const
  })
  return {
    ...(await withoutRoom(session, written, strategy)),
    initialValues: asked.initialValues,
    findings: { ...asked.findings, ...Object.fromEntries(warned) },
    programs,
  }
}

type Asked = Kept & Pick<Preflight, "initialValues" | "findings">

async function askServices(session: Session, order: Order, strategy: Strategy): Promise<Asked> {
  const initialValues: Record<string, Fields> = {}
  const findings: Record<string, readonly Finding[]> = {}
  const left: Record<string, Outcome> = {}
  const round = new Round(session)
  await Promise.all(
    order.secrets.map(async (name) => {
      try {
        const found =
          order.why === "new"
            ? await firstValueFindings(session, name, {
                initialValues,
                trial: order.trial === true,
              })
            : await findingsOf(session, name, { order, strategy, round })
        findings[name] = found
        const blocking = found.find((one) => one.severity === "error")
        if (blocking !== undefined) left[name] = keptOut(blocking)
      } catch (error) {
        left[name] = { kind: "left", ...describeError(error) }
      }
    }),
  )
  round.end()
  const members = order.secrets.filter((name) => left[name] === undefined)
  const inOrder = order.secrets.flatMap((name) => {
    const outcome = left[name]
    return outcome === undefined ? [] : [[name, outcome] as const]
  })
  return { members, left: Object.fromEntries(inOrder), initialValues, findings }
}
