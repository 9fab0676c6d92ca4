import { describe, expect, test } from "bun:test"
import { z } from "zod"
import { defineOutput } from "../../src/core/define.ts"
import { entryOptions, readersIn } from "../../src/plugins/outputs/entry/options.ts"
import { environment, load, plugins, told } from "./fake-plugins.ts"

/** An entry of a secret manager, which programs read when they like. */

const entry = defineOutput({
  type: "entry",
  summary: "an entry",
  entry: true,
  options: z.strictObject({ entry: z.string(), ...entryOptions() }),
  target: (options) => `entry:${options.entry}`,
  readers: ({ readers }) => readersIn(readers),
  inspect: () => ({ shows: ["db"], problems: [] }),
  open: () => {
    throw new Error("the loader opens nothing")
  },
})
const using = { ...plugins, outputs: [...plugins.outputs, entry] }

const one = "address: x, role: a"
const two = "address: x, roles: [a, b]"
const config = (secret: string, readers?: string, more = ""): string =>
  environment(
    `secrets: { db: { driver: postgres, ${secret} } }\n` +
      `schedule: "* * * * *"\n` +
      "outputs: [{ entry: shop/db, variables: { p: " +
      `x }${readers === undefined ? "" : `, readers: ${readers}`} }]\n` +
      `${more}`,
  )
const deployments = "deployments: { api: { command: [restart] } }"

describe("one value at a time", () => {
  test("asks when programs read the entry anew", () => {
    expect(told(config(one), using)).toContain(
      "environments.production.outputs[0]: shows db, whose service holds one value at a time, " +
        "and nothing says when programs read this entry anew: `readers` is missing",
    )
  })

  test.each(["{ on: refusal }", "{ within: 0s }", "{ within: 5m }"])("takes %s", (readers) => {
    load(config(one, readers), using)
  })

  test("takes a restart only if a deployment of the environment restarts them", () => {
    expect(told(config(one, "{ on: restart }"), using)).toContain(
      "readers.on: no deployment of this environment reads this entry, so nothing restarts its programs",
    )
    load(config(one, "{ on: restart }", deployments), using)
  })
})

describe("two values", () => {
  test("ask nothing", () => {
    load(config(two), using)
  })

  test.each([
    ["an hour, if nothing is said", undefined, "1h"],
    ["what is said", "{ within: 2h }", "2h"],
  ])("must live out their readers before the next rotation: %s", (_, readers, age) => {
    expect(told(config(`${two}, rotate_every: ${age}`, readers), using)).toContain(
      "db would be due again while programs may still use its previous value: " +
        `they go on for ${age} with what they have read of an entry`,
    )
    load(config(`${two}, rotate_every: ${age}1s`, readers), using)
  })

  test("cannot live on without a grace, unless nothing is kept", () => {
    expect(told(config(`${two}, grace: 0s`), using)).toContain(
      "`grace` is 0s, but its previous value",
    )
    load(config(`${two}, grace: 0s`, "{ within: 0s }"), using)
    load(config(`${two}, grace: 0s`, "{ on: refusal }"), using)
  })
})

describe("readers", () => {
  test.each(["{}", "{ within: 5m, on: refusal }"])("say one thing: %s", (readers) => {
    expect(told(config(two, readers), using)).toContain("write either `within` or `on`")
  })

  test("say it in known words", () => {
    expect(told(config(two, "{ on: friday }"), using)).toContain("expected restart or refusal")
  })
})

describe("gap_accepted", () => {
  test("is taken with one value in an entry", () => {
    load(config(`${one}, gap_accepted: 5m`, "{ within: 5m }"), using)
  })

  test.each([
    ["two values", config(`${two}, gap_accepted: 5m`), "its service holds two values"],
    [
      "no entry",
      environment(`secrets: { db: { driver: postgres, ${one}, gap_accepted: 5m } }`),
      "no entry of a secret manager shows it",
    ],
    [
      "no service",
      environment("secrets: { k: { driver: generated, gap_accepted: 5m } }"),
      "no service holds this value",
    ],
  ])("says that there is no such gap: %s", (_, text, why) => {
    expect(told(text, using)).toContain(`gap_accepted: ${why}, so there is no such gap`)
  })
})
