import { expect, test } from "bun:test"
import { container } from "../../../src/plugins/healths/container.ts"
import { hookReach } from "../../support/hook-reach.ts"

// On a real engine it is asked in test/plugins/restarters/compose-engine.test.ts.

test("container says whose health check it asks", () => {
  expect(container.open("api", hookReach("/srv")).label).toBe("the health check of compose api")
  expect(
    container.open({ services: ["api", "worker"], project: "live" }, hookReach("/srv")).label,
  ).toBe("the health check of compose api, worker")
})

test("container takes no option of a restart", () => {
  expect(container.options.safeParse({ service: "api", allow_changes: true }).success).toBe(false)
})
