import { expect, test } from "bun:test"
import { shared } from "../../../src/check/self-tests/shared.ts"
import type { SecretState } from "../../../src/core/state.ts"
import { ago, current, found, hour, result, secret, state, version } from "./looks.ts"

test("shared names two secrets that rotate one login, and never says to rotate one of them", async () => {
  const logins = ["postgresql://db:5432 role shop"]
  const db = (value: string): SecretState => ({
    ...secret([version("v1", current, value)]),
    logins,
  })
  const documents = [state({ db: db("one") }), state({ db: db("two") }, { project: "other" })]
  const { findings } = await result(shared, { documents })
  expect(findings).toMatchObject([{ code: "value-shared" }])
  expect(findings[0]?.message).toContain("rotate the same login: postgresql://db:5432 role shop")
  expect(findings[0]?.remedy).toStartWith("take it out of one of them")
  // Of what a rename has left in the state, nothing is rotated.
  const isLeft = (place: string): boolean => place.startsWith("other/")
  expect(await found(shared, { documents, isLeft })).toEqual([])
})

test("shared finds one value in two secrets or environments, whatever is kept", async () => {
  const one = state({ db: secret([version("v1", current, "same")]) })
  const same = state({ db: secret([version("v4", current, "same")]) }, { environment: "staging" })
  const dead = state(
    { db: secret([version("v4", { kind: "retired", since: ago(hour) }, "same")]) },
    { environment: "staging" },
  )
  expect(await found(shared, { documents: [one, same] })).toEqual(["value-shared error"])
  expect(
    await found(shared, {
      documents: [
        state({
          db: secret([version("v1", current, "same")]),
          api: secret([version("v1", { kind: "pending", proven: false }, "same")]),
        }),
      ],
    }),
  ).toEqual(["value-shared error"])
  expect(await found(shared, { documents: [one, dead] })).toEqual([])
  expect((await result(shared, { documents: [one, same] })).findings[0]?.remedy).toContain(
    "rotate-now staging/db",
  )
  // A command that this config refuses is none.
  const remedyFor = async (isListed: (place: string) => boolean): Promise<string | undefined> =>
    (await result(shared, { documents: [one, same], isListed })).findings[0]?.remedy
  expect(await remedyFor((place) => place === "shop/production/db")).toContain(
    "rotate-now production/db",
  )
  expect(await remedyFor(() => false)).not.toContain("rotate-now")
})

test("shared counts two versions of one secret with the same value as one", async () => {
  expect(
    await found(shared, {
      documents: [
        state({
          db: secret([
            version("v1", { kind: "previous", revokeAt: ago(-hour), endSessions: false }, "same"),
            version("v2", current, "same"),
          ]),
        }),
      ],
    }),
  ).toEqual([])
})
