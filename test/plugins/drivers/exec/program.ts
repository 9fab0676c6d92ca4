#!/usr/bin/env bun
import type { Order } from "./key-service.ts"

/**
 * A program as a user would write one, for the service in key-service.ts; and, where ODD says so,
 * one that is broken in some way. ODD_AT is the verb at which it is.
 */
type Version = { readonly version: string; readonly user?: string; readonly password: string }
type Asked = {
  readonly mycelium: number
  readonly verb: string
  readonly holds: string
  readonly next?: Version
  readonly current?: Version
  readonly pending?: Version
  readonly candidate?: Version
  readonly old?: Version
  readonly live?: Version
  readonly known?: readonly Version[]
}

const asked = JSON.parse(await Bun.stdin.text()) as Asked
const {
  SERVICE = "",
  ODD = "",
  ODD_AT = "apply",
  NOTE,
  PROBE = "true",
  SETTLE = "0",
  ENDS = "false",
} = process.env
if (NOTE !== undefined)
  await Bun.write(
    `${NOTE}/${Date.now()}-${process.pid}`,
    JSON.stringify({ argv: process.argv.slice(2), env: process.env, asked }),
  )
if (ODD !== "" && ODD_AT === asked.verb) await behaveOddly(ODD)

const answers: Readonly<Record<string, () => Promise<object> | object>> = {
  describe: () => ({
    holds: asked.holds,
    probe: PROBE === "true",
    settle: Number(SETTLE),
    ends_sessions: ENDS === "true",
    forgets: true,
  }),
  apply: async () => {
    const { next, current, pending } = asked
    const other = next?.version === current?.version ? pending : current
    await order("set", next, other?.user === next?.user ? other?.password : undefined)
    return {}
  },
  verify: async () => ({
    answer: (await order("verify", asked.candidate)) ? "accepted" : "refused",
  }),
  revoke: async () => {
    await order("drop", asked.old)
    return {}
  },
  "end-sessions": () => ({ ended: 1 }),
  forget: async () => {
    for (const version of asked.known ?? []) await order("drop", version)
    return {}
  },
}
const answer = await answers[asked.verb]?.()
if (answer === undefined) process.exit(64)
console.log(JSON.stringify({ mycelium: 1, ...answer }))

async function order(
  act: Order["act"],
  version: Version | undefined,
  keep?: string,
): Promise<boolean> {
  if (version === undefined) process.exit(64)
  const body = {
    act,
    user: version.user ?? "app",
    password: version.password,
    ...(keep === undefined ? {} : { keep }),
  }
  const response = await fetch(SERVICE, { method: "POST", body: JSON.stringify(body) }).catch(() =>
    process.exit(75),
  )
  return ((await response.json()) as { readonly ok: boolean }).ok
}

async function behaveOddly(how: string): Promise<void> {
  const value = JSON.stringify(asked)
  if (how === "exit") process.exit(3)
  if (how === "later") process.exit(75)
  if (how === "killed") process.kill(process.pid, "SIGKILL")
  if (how === "message")
    console.error(value, encodeURIComponent(value), Buffer.from(value).toString("base64"))
  if (how === "message") process.exit(1)
  if (how === "hangs") await Bun.sleep(60_000)
  if (how === "deaf") process.on("SIGTERM", () => undefined)
  if (how === "deaf") await Bun.sleep(60_000)
  const texts: Readonly<Record<string, string>> = {
    silent: "",
    garbage: `not JSON: ${value}`,
    two: `{"mycelium":1}\n{"mycelium":1}`,
    long: JSON.stringify({ mycelium: 1, value: "x".repeat(1_000_000) }),
    old: JSON.stringify({ mycelium: 2 }),
    foreign: value.replace('"mycelium":1,', ""),
    shape: JSON.stringify({
      mycelium: 1,
      answer: asked,
      accepted_at: asked,
      holds: asked,
      refused: asked,
    }),
    refused: JSON.stringify({ mycelium: 1, refused: true }),
    unknown: JSON.stringify({ mycelium: 1, answer: "unknown" }),
    other: JSON.stringify({ mycelium: 1, holds: "pair", probe: true }),
    fields: JSON.stringify({
      mycelium: 1,
      holds: asked.holds,
      probe: true,
      fields: ["user", "password"],
    }),
    strange: JSON.stringify({
      mycelium: 1,
      holds: asked.holds,
      probe: true,
      fields: ["certificate"],
    }),
  }
  process.stdout.write(texts[how] ?? "")
  process.exit(0)
}
