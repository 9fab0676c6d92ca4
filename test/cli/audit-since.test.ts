import { expect, test } from "bun:test"
import { done, openTwo } from "../support/two-at-once.ts"

test("mycelium audit --since an age beyond all calendars shows the whole log", async () => {
  await using project = await openTwo()
  const all = await done(project, ["audit"])
  for (const age of ["999999999w", "999999999w999999999w", "3000000w"])
    expect([age, await done(project, ["audit", "--since", age])]).toMatchObject([
      age,
      { stdout: all.stdout, stderr: "" },
    ])
}, 30_000)
