import type { Fields, Finding } from "../../core/ports.ts"
import type { Refusal } from "../../core/change-set.ts"
import type { Inspected } from "../inspect-programs.ts"
import type { Outcomes } from "../work.ts"

/** What a service held before a first value, by secret. */
export type InitialValues = Readonly<Record<string, Fields>>

/** The secrets that go on, and why the others do not. */
export type Kept = { readonly members: readonly string[]; readonly left: Outcomes }

export type Preflight = Kept & {
  readonly initialValues: InitialValues
  readonly findings: Readonly<Record<string, readonly Finding[]>>
  readonly programs: readonly Inspected[]
  readonly shown: readonly number[]
  /** Outputs that cannot be written, and are left as they are. */
  readonly leaves: Readonly<Record<string, Refusal>>
}
