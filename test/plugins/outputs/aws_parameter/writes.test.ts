import { expect, test } from "bun:test"
import type { Landed } from "../../../../src/core/entry.ts"
import {
  atStrictSsm,
  commit,
  contentOf,
  ends,
  knows,
  newValue,
  show,
  tokenOf,
  values,
} from "./bench.ts"

/** A manager that compares nothing: what others write meanwhile, and answers that are lost. */

atStrictSsm("the output aws_parameter, at a strict stand-in", (bench) => {
  test("writes its fields in four calls, and keeps those of others as they are written", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    const output = bench().open(name)
    expect(await show(output, next, old)).toEqual({ is: "done", mark: "2" })
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(next))
    expect(bench().operations()).toEqual([
      "GetParameter",
      "DescribeParameters",
      "GetParameter",
      "PutParameter",
    ])
    expect(await output.mark?.(ends())).toBe("2")
    expect(bench().ssm.asked.at(-1)?.body["WithDecryption"]).toBe(false)
    expect(await output.compare(values(next), ends())).toBe("same")
  })

  test("type, key, tier, description, pattern and policies stay as they are, and no label is set", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    const policies = [
      { PolicyText: "{}", PolicyType: "NoChangeNotification", PolicyStatus: "Pending" },
    ]
    const kept = {
      type: "SecureString",
      keyId: "arn:aws:kms:eu-west-3:210987654321:key/own",
      tier: "Advanced",
      description: "the shop's database",
      pattern: "^\\{.*\\}$",
      policies,
    }
    bench().ssm.make(name, contentOf(old), kept)
    bench().ssm.emptyPages = 2
    expect(await show(bench().open(name), next, old)).toMatchObject({ is: "done" })
    expect(bench().ssm.parameters.get(name)?.kept).toEqual(kept)
    expect(bench().ssm.asked.at(-1)?.body).not.toHaveProperty("Tags")
    expect(bench().ssm.newest(name)?.labels).toEqual([])
  })

  test("what others write between look and write is seen before, and nothing is sent", async () => {
    const [name, old, next, other] = [bench().name(), newValue(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    const draft = await bench().open(name).prepare(values(next), knows(old, next), ends())
    bench().ssm.publish(name, contentOf(other))
    expect((await commit(draft)).is).toBe("refused")
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(other))
    expect(bench().writes()).toBe(0)
  })

  test("a value that others write at the same moment stands there again, and is told", async () => {
    const [name, old, next, other] = [bench().name(), newValue(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    bench().beforeFirstWrite(() => bench().ssm.publish(name, contentOf(other)))
    const landed = await show(bench().open(name), next, old)
    expect(landed).toMatchObject({ is: "refused", reason: expect.stringContaining("DB_PASSWORD") })
    expect(bench().ssm.texts(name)).toEqual([old, other, next, other].map((one) => contentOf(one)))
  })

  test("fields that others write at the same moment are kept beside ours", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    bench().beforeFirstWrite(() => bench().ssm.publish(name, contentOf(old, '"more":1')))
    expect(await show(bench().open(name), next, old)).toEqual({ is: "done", mark: "5" })
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(next, '"more":1'))
  })

  for (const times of [2, 3])
    test(`who writes at the same moment ${times} times has their newest content there again`, async () => {
      const [name, old, next] = [bench().name(), newValue(), newValue()]
      const other = newValue()
      bench().ssm.make(name, contentOf(old))
      let count = 0
      bench().ssm.before = ({ operation }) => {
        if (operation === "PutParameter" && count < times)
          bench().ssm.publish(name, contentOf(other, `"count":${++count}`))
      }
      expect((await show(bench().open(name), next, old)).is).toBe("refused")
      expect(bench().ssm.newest(name)?.text).toBe(contentOf(other, `"count":${times}`))
    })

  test("who writes at each moment is told of, and that the history has what was replaced", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    let count = 0
    bench().ssm.before = ({ operation }) => {
      if (operation === "PutParameter")
        bench().ssm.publish(name, contentOf(old, `"count":${count++}`))
    }
    const landed = await show(bench().open(name), next, old)
    expect(landed.is).toBe("refused")
    expect(count).toBeLessThan(20)
  })

  for (const lost of ["GetParameter", "DescribeParameters", "PutParameter"])
    for (const nth of lost === "GetParameter" ? [1, 2] : [1])
      test(`the answer to ${lost} ${nth} is lost: it stands there once, and is known to`, async () => {
        const [name, old, next] = [bench().name(), newValue(), newValue()]
        bench().ssm.make(name, contentOf(old))
        let times = 0
        bench().ssm.loses = ({ operation }) => operation === lost && ++times === nth
        const output = bench().open(name)
        const first = await show(output, next, old).catch(() => undefined)
        const landed = first?.is === "done" ? first : await show(output, next, old)
        expect(landed).toEqual({ is: "done", mark: "2" })
        expect(bench().ssm.texts(name)).toEqual([contentOf(old), contentOf(next)])
      })

  test("the answer is lost, and others wrote at the same moment: theirs stands there again", async () => {
    const [name, old, next, other] = [bench().name(), newValue(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    bench().beforeFirstWrite(() => bench().ssm.publish(name, contentOf(other)))
    bench().loseFirstWrite()
    expect((await show(bench().open(name), next, old)).is).toBe("refused")
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(other))
  })

  test("the answer is lost, and others wrote after it: theirs stays", async () => {
    const [name, old, next, other] = [bench().name(), newValue(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    bench().loseFirstWrite()
    const draft = await bench().open(name).prepare(values(next), knows(old, next), ends())
    expect(((await draft.commit(tokenOf, ends())) as Landed).is).toBe("unknown")
    bench().ssm.publish(name, contentOf(other))
    expect((await draft.settle?.(tokenOf, ends()))?.is).toBe("refused")
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(other))
  })

  test("a write that has not landed is sent again; that the first may still land is known on the way back", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    const output = bench().open(name)
    let times = 0
    bench().ssm.delays = ({ operation }) => operation === "PutParameter" && times++ === 0
    const draft = await output.prepare(values(next), knows(old, next), ends())
    // The same content once more: what comes late changes nothing.
    expect(await commit(draft)).toEqual({ is: "done", mark: "2" })
    const back = await output.restore(draft.before?.bytes, ends())
    const landed = await commit(back)
    expect(landed).toMatchObject({
      is: "unknown",
      reason: expect.stringContaining("may still replace it"),
    })
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(old))
    bench().ssm.release()
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(next))
    // The next turn: it is owed, so it is written once more.
    const owed = Object.assign(knows(old, next), { mayStillLand: () => true })
    expect(await commit(await bench().open(name).prepare(values(old), owed, ends()))).toMatchObject(
      {
        is: "done",
      },
    )
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(old))
  })

  test("what came late before the way back is known for ours, and undone", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    const output = bench().open(name)
    bench().ssm.delays = ({ operation }) => operation === "PutParameter"
    const draft = await output.prepare(values(next), knows(old, next), ends())
    expect(((await draft.commit(tokenOf, ends())) as Landed).is).toBe("unknown")
    bench().ssm.delays = () => false
    const back = await output.restore(draft.before?.bytes, ends(), { again: true })
    bench().beforeFirstWrite(() => bench().ssm.release())
    expect(await commit(back)).toMatchObject({ is: "done" })
    expect(bench().ssm.newest(name)?.text).toBe(contentOf(old))
  })

  test("a way back is a new version with the former content", async () => {
    const [name, old, next] = [bench().name(), newValue(), newValue()]
    bench().ssm.make(name, contentOf(old))
    const output = bench().open(name)
    const draft = await output.prepare(values(next), knows(old, next), ends())
    await commit(draft)
    await commit(await output.restore(draft.before?.bytes, ends()))
    expect(bench().ssm.texts(name)).toEqual([old, next, old].map((one) => contentOf(one)))
  })
})
