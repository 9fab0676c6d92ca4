import { describeError } from "../base/error.ts"
import { within } from "../base/deadline.ts"
import { obstacleIn, obstacleTo } from "../base/files/runnable.ts"
import { isEntry } from "../core/entry.ts"
import { present } from "../base/present.ts"
import type { Deployment, Finding, Inspection, Reader } from "../core/ports.ts"
import { deploymentsOf } from "./readers.ts"
import type { Session } from "./session.ts"
import { deadlines } from "./work.ts"

/** One deployment, looked at before any value exists. */
export type Inspected = {
  readonly deployment: Deployment
  /** For people: what a restart replaces. */
  readonly replaces?: string
  readonly findings: readonly Finding[]
}

/**
 * Could the programs that read these secrets be restarted, and is that all that a restart would do?
 * Changes nothing.
 */
export async function inspectPrograms(
  session: Session,
  names: readonly string[],
): Promise<readonly Inspected[]> {
  const deployments = deploymentsOf(session, names)
  const looks = await Promise.all(deployments.map((deployment) => inspect(session, deployment)))
  const restarted = new Set(looks.flatMap(({ inspection }) => inspection?.restarts ?? []))
  const told = new Set<string>()
  return looks.map(({ deployment, inspection, faults }): Inspected => {
    const strangers = (inspection?.readers ?? []).filter(
      ({ id, target }) => !restarted.has(id) && !told.has(`${id} ${target}`),
    )
    for (const { id, target } of strangers) told.add(`${id} ${target}`)
    const replaces = inspection?.replaces
    const findings = [...faults, ...(inspection?.findings ?? []), ...strangers.map(unlisted)]
    return { deployment, findings, ...present({ replaces }) }
  })
}

type Look = {
  readonly deployment: Deployment
  readonly faults: readonly Finding[]
  readonly inspection?: Inspection
}

async function inspect({ work }: Session, deployment: Deployment): Promise<Look> {
  const faults = await obstaclesTo(work.environment, deployment)
  const { restarter } = deployment
  const entries = work.outputs.filter((one) => isEntry(one)).map(({ target }) => target)
  const reads = deployment.reads.filter((target) => !entries.includes(target))
  if (faults.length > 0 || restarter.inspect === undefined) return { deployment, faults }
  try {
    const inspection = await within(
      deadlines.inspect,
      async (signal) => restarter.inspect?.(reads, signal),
      work.stop,
    )
    if (inspection === undefined) return { deployment, faults }
    return {
      deployment,
      faults,
      inspection: {
        ...inspection,
        findings: inspection.findings.map((one) => placed(deployment, one)),
      },
    }
  } catch (error) {
    const { code, message, hint } = describeError(error)
    const fault: Finding = {
      code,
      severity: "error",
      message,
      ...present({ remedy: hint }),
    }
    return { deployment, faults: [placed(deployment, fault)] }
  }
}

function placed({ name }: Deployment, finding: Finding): Finding {
  return { ...finding, message: `${name}: ${finding.message}` }
}

/**
 * Programs that could not even be started, or which others can change, as what tells them what to
 * run.
 */
async function obstaclesTo(
  environment: string,
  { name, restarter, health }: Deployment,
): Promise<readonly Finding[]> {
  const place = `${environment}/${name}`
  const asked = [
    ...(restarter.program === undefined
      ? []
      : [{ path: restarter.program, of: `the restart of ${place}`, judge: obstacleTo }]),
    ...(restarter.follows ?? []).map((path) => ({
      path,
      of: `what the restart of ${place} follows`,
      judge: obstacleIn,
    })),
    ...(health?.program === undefined
      ? []
      : [{ path: health.program, of: `the health check of ${place}`, judge: obstacleTo }]),
  ]
  const found = await Promise.all(
    asked.map(async ({ path, of, judge }): Promise<readonly Finding[]> => {
      const obstacle = await judge(path)
      if (obstacle === undefined) return []
      return [
        {
          code: obstacle.code,
          severity: "error",
          message: `${path} (${of}) ${obstacle.message}`,
          remedy: obstacle.remedy,
        },
      ]
    }),
  )
  return found.flat()
}

function unlisted({ label: message, target }: Reader): Finding {
  return {
    code: "reader-unlisted",
    severity: "warning",
    message: `${message} reads ${target} and is in no deployment: it is not restarted, and keeps the old value`,
    remedy: "name it in a deployment, so that it is restarted too",
  }
}
