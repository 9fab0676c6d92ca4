import type { Finding } from "../../core/ports.ts"
import { defineCheck } from "./check.ts"

/** Does the service that runs know the config as it is now; and what has it seen outputs show? */
export type Service = {
  /** It runs with a config that it loaded then, and that says something else than the file now. */
  readonly older: { readonly pid: number; readonly loadedAt: string } | undefined
  readonly offOutputs: readonly Finding[]
}

export const service = defineCheck<"service-config-old", Service>({
  name: "service",
  faults: {
    "service-config-old": {
      severity: "warning",
      remedy: "systemctl reload its unit, or kill -HUP its process: it then reads the config again",
    },
  },
  inspect: ({ older, offOutputs }, report) => {
    if (older !== undefined)
      report.found(
        "service-config-old",
        `the service (process ${older.pid}) runs with the config as it was at ` +
          `${older.loadedAt.slice(0, 16).replace("T", " ")} UTC: what has changed since is not ` +
          "loaded",
        {
          remedy:
            `kill -HUP ${older.pid}, or systemctl reload its unit: it reads the config again, ` +
            "and its log says whether it could",
        },
      )
    for (const one of offOutputs) report.passed(one)
    return "none that runs has another config, or has seen an output that is not right"
  },
})
