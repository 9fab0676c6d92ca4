import type { Finding } from "../../core/ports.ts"
import { defineCheck } from "./check.ts"

/** Which file systems give no answer. No other check looks at what lies there. */

export type SilentPath = {
  readonly path: string
  /** "an output of production". */
  readonly what: string
  /** The mount point; left out if the question itself failed. */
  readonly mount?: string
  readonly error?: unknown
}
type Code = "output-silent" | "place-silent"
export type FileSystems = {
  readonly silent: readonly SilentPath[]
  readonly code: Code
  /** "it was not looked at". */
  readonly so: string
  readonly withinMs: number
}

const remedy = "start again what serves its file system"

export const fileSystems = defineCheck<Code, FileSystems>({
  name: "file systems",
  faults: {
    "output-silent": { severity: "error", remedy },
    "place-silent": { severity: "error", remedy },
  },
  inspect: ({ silent, ...about }, report) => {
    for (const one of silent)
      if (one.mount === undefined) report.failed(one.error, `${one.path} (${one.what})`)
      else report.passed(silentFinding({ ...one, mount: one.mount }, about))
    return "every file system answers"
  },
})

type OfMount = SilentPath & { readonly mount: string }

/** What is told of one path. */
export function silentFinding(
  { path, what, mount }: OfMount,
  { code, so, withinMs }: Omit<FileSystems, "silent">,
): Finding {
  return {
    code,
    severity: "error",
    message:
      `the file system of ${path} (${what}) gives no answer within ` +
      `${Math.ceil(withinMs / 1000)} s, or says that its server is gone; ${so}`,
    remedy: remedyOf(mount),
  }
}

/** Neither command waits for the file system; df and ls would. */
function remedyOf(mount: string): string {
  return (
    `grep ' ${mount} ' /proc/mounts shows what serves it (FUSE or another machine): ` +
    `start that again, or unmount it (umount -l ${mount})`
  )
}
