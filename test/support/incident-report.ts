import { readFileSync } from "node:fs"
import type { IncidentReport } from "../../src/incident/report/model.ts"
import { json } from "./mycelium.ts"
import { type Estate, loginWithOld } from "./three-servers.ts"

/**
 * An incident of the name leak-7: the command that contains it, and what its report and its log
 * say.
 */

export const contain = ["rotate-now", "production", "--contain", "--incident", "leak-7"]

export async function reportOf(
  { project }: Pick<Estate, "project">,
  ...more: readonly string[]
): Promise<{ readonly code: number | undefined; readonly report: IncidentReport }> {
  const ran = await project.mycelium(["report", "leak-7", "--json", ...more])
  return { code: ran.code, report: json<IncidentReport>(ran) }
}

export type Line = {
  readonly event: string
  readonly secret?: string
  readonly version?: string
  readonly incident?: string
  readonly [field: string]: unknown
}
export function linesOf({ project }: Estate): readonly Line[] {
  return readFileSync(project.auditPath(), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line)
}

export async function allDead(estate: Estate): Promise<readonly string[]> {
  return Promise.all(["postgres", "orders", "redis"].map((name) => loginWithOld(estate, name)))
}
