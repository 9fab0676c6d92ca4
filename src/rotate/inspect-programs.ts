import { describeError } from "../base/error.ts"
import { within } from "../base/deadline.ts"
import { type Command, lookAtCommand } from "../base/files/command-files.ts"
import { type Obstacle, obstacleIn } from "../base/files/runnable.ts"
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
  const found = await Promise.all([
    ofCommand(restarter.runs, `the restart of ${place}`),
    ofFiles(restarter.follows, `what the restart of ${place} follows`),
    ofCommand(health?.runs, `the health check of ${place}`),
  ])
  return found.flat()
}

async function ofCommand(command: Command | undefined, of: string): Promise<readonly Finding[]> {
  if (command === undefined) return []
  const { obstacles } = await lookAtCommand(command)
  return obstacles.map((one) => finding(one.path, one.isInner ? `what ${of} runs` : of, one))
}

async function ofFiles(files: readonly string[] = [], of: string): Promise<readonly Finding[]> {
  const found = await Promise.all(
    files.map(async (path) => ({ path, obstacle: await obstacleIn(path) })),
  )
  return found.flatMap(({ path, obstacle }) =>
    obstacle === undefined ? [] : [finding(path, of, obstacle)],
  )
}

function finding(path: string, of: string, { code, message, remedy }: Obstacle): Finding {
  const so = code === "hook-writable" ? ": it is not run" : ""
  return { code, severity: "error", message: `${path} (${of}) ${message}${so}`, remedy }
}

function unlisted({ label: message, target }: Reader): Finding {
  return {
    code: "reader-unlisted",
    severity: "warning",
    message:
      `${message} reads ${target} and is in no deployment: it is not restarted, ` +
      "and keeps the old value",
    remedy: "name it in a deployment, so that it is restarted too",
  }
}
