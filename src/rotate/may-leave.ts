import type { ChangeSet } from "../core/change-set.ts"
import type { Work } from "./work.ts"

export function runsProgram({ drivers }: Work, name: string): boolean {
  return drivers[name]?.runsProgram === true
}

/** May a run that is killed in this journal leave a program behind? */
export function mayLeave(work: Work, set: ChangeSet): boolean {
  return set.touched.length > 0 || set.secrets.some((name) => runsProgram(work, name))
}
