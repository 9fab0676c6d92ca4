import type { Driver } from "../../../../src/core/ports.ts"
import { generated } from "../../../../src/plugins/drivers/generated.ts"
import { type Service, context, text } from "./harness.ts"
import { driverSuite } from "./suite.ts"

async function start(): Promise<Service> {
  const open = (): Driver => generated.open(generated.options.parse({}), context("/"))
  const nothing = async (): Promise<void> => undefined
  const current = { version: "v1", fields: open().generate({ uncertain: [] }, text) }
  return {
    current,
    open,
    stored: nothing,
    stop: nothing,
    hang: nothing,
    resume: nothing,
    [Symbol.asyncDispose]: nothing,
  }
}

driverSuite("generated", { start, noService: "no service asks for the value" })
