import type { ChangeSet } from "../../core/change-set.ts"
import type { WayBack } from "./outputs.ts"
import { waitsForAnother } from "../work.ts"
import type { Back, Look } from "./services.ts"

/**
 * Who cannot go back yet, and why: what a file shows beside that, and as long as the file cannot
 * follow, keeps its service as it is.
 */
export function waiting(
  set: ChangeSet,
  looks: ReadonlyMap<string, Look>,
  ways: readonly WayBack[],
): ReadonlyMap<string, Back> {
  const waits = new Map<string, Back>()
  for (const [name, look] of looks)
    if (look.kind === "waiting" || look.kind === "stuck") waits.set(name, look)
  for (let known = -1; known < waits.size; ) {
    known = waits.size
    for (const { output, fault, isFormer } of ways) {
      const members = output.shows.filter((name) => set.secrets.includes(name))
      const other = members.find((name) => waits.has(name))
      if (isFormer || (fault === undefined && other === undefined)) continue
      for (const name of members)
        if (!waits.has(name)) waits.set(name, waitsFor(output.target, fault, other ?? ""))
    }
  }
  return waits
}

function waitsFor(target: string, fault: WayBack["fault"], other: string): Back {
  return fault === undefined
    ? {
        kind: "waiting",
        code: waitsForAnother,
        message:
          `${target} shows it beside ${other}, which cannot go back yet; ` +
          "so its service is left as it is",
      }
    : {
        kind: "waiting",
        by: "file",
        code: fault.code,
        message: `it cannot go back yet, so its service is left as it is: ${fault.message}`,
      }
}
