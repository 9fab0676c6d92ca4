import { bun } from "../../../support/running.ts"
import type { Driver } from "../../../../src/core/ports.ts"
import { exec } from "../../../../src/plugins/drivers/exec/index.ts"
import { context } from "../conformance/harness.ts"

export const program = new URL("program.ts", import.meta.url).pathname

type Written = Readonly<Record<string, unknown>> & {
  readonly env?: Readonly<Record<string, string>>
}

/** A driver for the test program, opened as the config would open it. */
export function open(written: Written = {}, folder = "/"): Driver {
  return exec.open(
    exec.options.parse({ command: [bun, program], ...written }),
    context(folder, "of-the-admin"),
  )
}
