import { expect, test } from "bun:test"
import { lookSteadily, type Seen } from "../../src/record/steady-look.ts"

/**
 * Looks beside a writer that is busy for `writing` looks; returns the answer and how often it
 * was looked.
 */
async function beside(
  writing: number,
  seen: (looks: number) => Seen<string>,
): Promise<readonly [string, number]> {
  let looks = 0
  const answer = lookSteadily(
    {
      environment: "production",
      host: { pause: () => Promise.resolve() },
      serial: () => Promise.resolve(Math.min(looks, writing)),
    },
    () => Promise.resolve(seen(++looks)),
  )
  return [await answer, looks]
}

test("what looks well is believed at once", async () => {
  expect(await beside(0, () => ({ value: "well" }))).toEqual(["well", 1])
})

test("what looks wrong only during a write is looked at again", async () => {
  expect(
    await beside(3, (looks) =>
      looks <= 3 ? { value: "changed", doubt: "line 4" } : { value: "well" },
    ),
  ).toEqual(["well", 4])
})

test("what looks wrong twice without a write is wrong", async () => {
  expect(await beside(0, () => ({ value: "changed", doubt: "line 4" }))).toEqual(["changed", 2])
  expect(await beside(5, () => ({ value: "changed", doubt: "line 4" }))).toEqual(["changed", 6])
})

test("what looks wrong in another way each time is not judged, nor what is written all the time", async () => {
  await expect(
    beside(0, (looks) => ({ value: "changed", doubt: `line ${looks}` })),
  ).rejects.toMatchObject({ code: "locked" })
  await expect(beside(1000, () => ({ value: "changed", doubt: "line 4" }))).rejects.toMatchObject({
    code: "locked",
  })
})
