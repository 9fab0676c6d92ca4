import { expect, test } from "bun:test"
import { AppError } from "../../../src/base/error.ts"
import { outputs } from "../../../src/check/self-tests/outputs.ts"
import { seal } from "../../../src/check/self-tests/seal.ts"
import type { StateDocument } from "../../../src/core/state.ts"
import type { ChangeSet } from "../../../src/core/change-set.ts"
import { ago, current, found, hour, secret, state, version } from "./looks.ts"

const fingerprint = (value: string | Uint8Array): string =>
  `print of ${typeof value === "string" ? value : Buffer.from(value).toString()}`
const db = secret([
  version("v1", { kind: "retired", since: ago(hour) }, fingerprint("old")),
  version("v2", { kind: "pending", proven: true }, fingerprint("next")),
  version("v3", current, fingerprint("now")),
])

type Shown = Readonly<Record<string, Readonly<Record<string, string>>>>
function inspect(
  shows: Shown | Error | undefined,
  more: {
    readonly tells?: boolean
    readonly changeSet?: ChangeSet
    readonly later?: StateDocument
    readonly bytes?: string
    readonly written?: string
    readonly whole?: boolean
  } = {},
): Promise<readonly string[]> {
  const output = {
    target: "/srv/.env",
    shows: ["db"],
    whole: more.whole ?? true,
    read: () => Promise.resolve(shows === undefined ? undefined : Buffer.from(more.bytes ?? "")),
    adopt: () => (shows instanceof Error ? Promise.reject(shows) : Promise.resolve(shows ?? {})),
  }
  const document = state(
    { db },
    {
      ...(more.changeSet === undefined ? {} : { changeSet: more.changeSet }),
      ...(more.written === undefined
        ? {}
        : { written: { "/srv/.env": fingerprint(more.written) } }),
    },
  )
  return found(outputs, {
    shown: [
      {
        environment: "production",
        output,
        tells: () => more.tells ?? true,
        document,
        reread: () => Promise.resolve(more.later ?? document),
        isBehind: () => Promise.resolve(false),
      },
    ],
    gone: [],
    fingerprint,
  })
}
const changeSet = {
  id: "c",
  why: "due",
  startedAt: ago(1000),
  secrets: ["db"],
  direction: "forward",
  touched: [],
  restarted: [],
  startedWith: "{}",
} as const

test("outputs is content with the current value, and with the pending one while a rotation is open", async () => {
  expect(await inspect({ db: { user: "shop", password: "now" } })).toEqual([])
  expect(await inspect({ db: { password: "next" } }, { changeSet })).toEqual([])
})

test("outputs looks again at the state: a rotation may have ended in between", async () => {
  expect(
    await inspect(
      { db: { password: "newer" } },
      { later: state({ db: secret([version("v4", current, fingerprint("newer"))]) }) },
    ),
  ).toEqual([])
})

test("outputs tells an older value, an unknown one and a foreign user apart", async () => {
  expect(await inspect({ db: { password: "old" } })).toEqual(["output-stale error"])
  expect(await inspect({ db: { password: "next" } })).toEqual(["output-stale error"])
  expect(await inspect({ db: { password: "by hand" } })).toEqual(["output-drift error"])
  expect(await inspect({ db: { user: "other", password: "now" } })).toEqual(["output-drift error"])
})

test("outputs finds a missing file and a missing line, and says where nothing can be told", async () => {
  expect(await inspect(undefined)).toEqual(["output-missing error"])
  expect(await inspect({})).toEqual(["output-incomplete error"])
  expect(await inspect({}, { tells: false })).toEqual(["output-unclear info"])
})

test("outputs tells an edit by the bytes, where it knows what it wrote and nobody else may write", async () => {
  const right = { db: { user: "shop", password: "now" } }
  expect(await inspect(right, { bytes: "a", written: "a" })).toEqual([])
  expect(await inspect(right, { bytes: "b", written: "a" })).toEqual(["output-edited warning"])
  expect(await inspect(right, { bytes: "b", written: "a", whole: false })).toEqual([])
  expect(await inspect({ db: { password: "old" } }, { bytes: "b", written: "a" })).toEqual([
    "output-stale error",
  ])
  expect(await inspect({}, { tells: false, bytes: "a", written: "a" })).toEqual([])
  expect(await inspect({}, { bytes: "a", written: "a" })).toEqual([])
  expect(await inspect({}, { tells: false, bytes: "b", written: "a" })).toEqual([
    "output-edited warning",
  ])
  const delivering = {
    ...changeSet,
    before: { "/srv/.env": { sealed: "", after: fingerprint("b") } },
  }
  expect(await inspect(right, { bytes: "b", written: "a", changeSet: delivering })).toEqual([])
})

test("outputs passes on why a file cannot be read, and nothing of its text", async () => {
  expect(
    await inspect(new AppError("output-key-twice", "/srv/.env: PASSWORD stands there twice")),
  ).toEqual(["output-key-twice error"])
  expect(await inspect(new Error("PASSWORD=now"))).toEqual(["internal error"])
})

test("seal warns where the keys are out of reach, and fails where they, or a state, are wrong", async () => {
  expect(
    await found(seal, {
      closed: new AppError("identity-missing", "there is no identity"),
      mine: false,
      verify: {},
    }),
  ).toEqual(["not-verified warning"])
  expect(
    await found(seal, {
      closed: new AppError("identity-missing", "there is no identity"),
      mine: true,
      verify: {},
    }),
  ).toEqual(["identity-missing error"])
  expect(
    await found(seal, {
      closed: new AppError("identity-open", "others can read it"),
      mine: true,
      verify: {},
    }),
  ).toEqual(["not-verified warning"])
  expect(
    await found(seal, {
      closed: new AppError("keys-missing", "keys.age is missing"),
      mine: true,
      verify: {},
    }),
  ).toEqual(["keys-missing error"])
  const verify = {
    production: () => Promise.reject(new AppError("state-edited", "it was edited")),
    staging: () => Promise.resolve(),
  }
  expect(await found(seal, { closed: undefined, mine: true, verify })).toEqual([
    "state-edited error",
  ])
})

test("outputs opens some files at a time: of very many, all are judged", async () => {
  let open = 0
  let most = 0
  const document = state({ db })
  const one = (number: number): Parameters<typeof outputs.inspect>[0]["shown"][number] => ({
    environment: `e${number}`,
    output: {
      target: `/srv/${number}.env`,
      shows: ["db"],
      whole: true,
      read: async () => {
        most = Math.max(most, ++open)
        await Promise.resolve()
        open--
        return Buffer.from("")
      },
      adopt: () => Promise.resolve({ db: { password: number === 999 ? "old" : "now" } }),
    },
    tells: () => true,
    document,
    reread: () => Promise.resolve(document),
    isBehind: () => Promise.resolve(false),
  })
  expect(
    await found(outputs, {
      shown: Array.from({ length: 1000 }, (_, number) => one(number)),
      gone: [],
      fingerprint,
    }),
  ).toEqual(["output-stale error"])
  expect(most).toBeLessThanOrEqual(64)
})
