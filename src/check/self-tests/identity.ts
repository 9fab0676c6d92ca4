import type { Finding } from "../../core/ports.ts"
import { defineCheck } from "./check.ts"

/**
 * Is the identity there at all? For a look that opens no keys; who opens them finds out by that.
 */

export const identity = defineCheck<never, { readonly missing: Finding | undefined }>({
  name: "identity",
  faults: {},
  inspect: ({ missing }, report) => {
    if (missing !== undefined) report.passed(missing)
    return "nothing says that it is missing"
  },
})
