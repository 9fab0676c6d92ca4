import { expect, test } from "bun:test"
import { state as check } from "../../../src/check/self-tests/state.ts"
import { ago, current, hour, now, result, secret, state, version } from "./looks.ts"
import { inspect } from "./inspect-state.ts"

/**
 * What the self-test of the state says of secrets that a containment chose, and of programs that
 * are not healthy with a new value.
 */

test("state fails at once if a secret was chosen for a containment that is not finished", async () => {
  const left = state({
    db: secret([version("v1", current)], {
      uncontained: { incident: "leak", since: ago(1000), code: "no-answer" },
    }),
  })
  expect(await inspect(left)).toEqual(["not-contained error"])
  const { findings } = await result(check, {
    environments: [{ name: "production", document: left, secrets: ["db"] }],
    unreadable: [],
    strange: [],
    now,
  })
  expect(findings[0]?.remedy).toContain(
    "mycelium rotate-now production/db --contain --incident leak",
  )
  // Carried on as it was begun.
  const first = state({
    db: secret([version("v1", current)], {
      uncontained: {
        incident: "leak",
        since: ago(1000),
        code: "not-contained",
        revokeFirst: true,
      },
    }),
  })
  const again = await result(check, {
    environments: [{ name: "production", document: first, secrets: ["db"] }],
    unreadable: [],
    strange: [],
    now,
  })
  expect(again.findings[0]?.remedy).toContain(
    "mycelium rotate-now production/db --contain --revoke-first --incident leak",
  )
  const owed = secret(
    [
      version("v1", { kind: "previous", revokeAt: ago(0), endSessions: true, revokeOthers: true }),
      version("v2", current),
    ],
    { contained: { incident: "leak", at: ago(1000), version: "v2" } },
  )
  expect(await inspect(state({ db: owed }))).toEqual(["not-contained error"])
})

test("state warns of a secret that is contained for new logins only, as long as that value is the current one", async () => {
  const sessions = { code: "sessions-out-of-reach", message: "no right to", hint: "grant it" }
  const contained = { incident: "leak-7", at: ago(hour), version: "v2", sessions }
  const held = secret([version("v2", current)], { contained })
  const { findings } = await result(check, {
    environments: [{ name: "production", document: state({ db: held }), secrets: ["db"] }],
    unreadable: [],
    strange: [],
    now,
  })
  expect(findings).toEqual([
    {
      code: "sessions-may-live",
      severity: "warning",
      message:
        "production/db: contained in leak-7 for new logins only: sessions that were opened " +
        "before 2026-11-24 11:00 UTC may live: no right to (sessions-out-of-reach)",
      remedy:
        "grant it; then mycelium rotate-now production/db --contain --incident leak-7 ends " +
        "them if it can by then, and changes nothing else",
    },
  ])
  expect(await inspect(state({ db: secret([version("v3", current)], { contained }) }))).toEqual([])
  const { sessions: _, ...ended } = contained
  expect(
    await inspect(state({ db: secret([version("v2", current)], { contained: ended }) })),
  ).toEqual([])
})

test("state fails if a program is not healthy with a value that became current, and says how to prove it again", async () => {
  const unhealthy = {
    since: ago(hour),
    deployments: ["api"],
    message: "api did not get healthy: 503",
  }
  const remedy = async (db: ReturnType<typeof secret>): Promise<unknown> =>
    (
      await result(check, {
        environments: [{ name: "production", document: state({ db }), secrets: ["db"] }],
        unreadable: [],
        strange: [],
        now,
      })
    ).findings.map(({ code, remedy: message = "" }) => [code, message.split("; ").at(1)])
  expect(await remedy(secret([version("v1", current)], { unhealthy }))).toEqual([
    ["promoted-unhealthy", "mycelium rotate-now on the secret then proves it, and ends this"],
  ])
  expect(
    await remedy(
      secret([version("v1", current)], {
        unhealthy,
        contained: { incident: "leak", at: ago(hour), version: "v1" },
      }),
    ),
  ).toEqual([
    [
      "promoted-unhealthy",
      "then mycelium rotate-now production/db --contain --incident leak looks at its health, and ends this",
    ],
  ])
})
