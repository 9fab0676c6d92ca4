import { loginsOf, stateOf } from "../../test/support/sealed.ts"
import type { Ran } from "../../test/support/mycelium.ts"
import { answerTo, judgeCut, judgeRest, middleOf } from "../crash/judge.ts"
import type { Lane } from "../crash/lane.ts"

/** Right before it: the youngest version of each secret, and whose current value its service takes. */
export type Before = {
  readonly newest: Readonly<Record<string, number>>
  readonly lives: readonly string[]
}

export async function beforeOf(lane: Lane): Promise<Before> {
  const { shop } = lane
  const lives: string[] = []
  for (const service of shop.services) {
    const { secret } = service
    const current = (await loginsOf(shop.project, secret)).find(({ stage }) => stage === "current")
    if (current?.password === undefined) continue
    const login = { user: current.user ?? shop.role, password: current.password }
    if ((await answerTo(service, login)) === "in") lives.push(secret)
  }
  return { ...(await middleOf(lane)), lives }
}

/** SQLite takes a lock that the system refuses for one that another process holds. */
const codes: readonly (number | undefined)[] = [0, 1, 2, 3, 4, 5, 6, 7]

/**
 * Right after a command whose machine failed it: one clear sentence and the right kind of end, no
 * value, no program locked out.
 */
export async function judgeFailed(
  lane: Lane,
  ran: Ran,
  before: Before,
): Promise<readonly string[]> {
  const said = `${ran.stdout}${ran.stderr}`
  const faults: string[] = []
  if (!codes.includes(ran.code)) faults.push(`ended with ${ran.code ?? ran.signal}: ${said}`)
  if (
    /^\s+at .*[:(]/m.test(said) ||
    /unexpected error|undefined|\[object|AppError|Error:/.test(said)
  )
    faults.push(`no sentence of ours: ${said}`)
  if (ran.code !== 0 && !saysWhy(said)) faults.push(`does not say why: ${said}`)
  for (const value of await valuesOf(lane)) if (said.includes(value)) faults.push("says a value")
  for (const { message } of await judgeCut(lane)) faults.push(message)
  return [...faults, ...(await untouchedFaults(lane, before))]
}

/** A sentence on stderr, or a code and a sentence in the report. */
function saysWhy(said: string): boolean {
  return (
    /^mycelium: \S.{10,}/m.test(said) ||
    /"code":"[a-z0-9-]+","says":".{10,}"/.test(said) ||
    /"hint"|went back|not /.test(said)
  )
}

async function valuesOf({ shop }: Lane): Promise<readonly string[]> {
  const names = [...shop.services.map(({ secret }) => secret), "session_key"]
  const opened = await Promise.all(
    names.map((name) => loginsOf(shop.project, name).catch(() => [])),
  )
  return [shop.old, ...opened.flat().flatMap(({ password }) => password ?? [])]
}

/** Where no new value was written down, none can have reached the service: the old one still works. */
async function untouchedFaults(lane: Lane, before: Before): Promise<readonly string[]> {
  const { shop } = lane
  if (shop.options.generatedOnly === true || shop.options.empty === true) return []
  const { newest } = await middleOf(lane)
  const faults: string[] = []
  for (const service of shop.services) {
    const { secret } = service
    if (!before.lives.includes(secret) || (newest[secret] ?? 0) > (before.newest[secret] ?? 0))
      continue
    const current = (await loginsOf(shop.project, secret)).find(({ stage }) => stage === "current")
    if (current?.password === undefined || (await stateOf(shop.project))?.changeSet !== undefined)
      continue
    const login = { user: current.user ?? shop.role, password: current.password }
    const answer = await answerTo(service, login)
    if (answer !== "in")
      faults.push(
        `no new value of ${secret} is in the state, and the service answers the old one with ${answer}`,
      )
  }
  return faults
}

/** The same command again, on a machine that works: everything is at rest. */
export async function judgeHealed(lane: Lane): Promise<readonly string[]> {
  const middle = await middleOf(lane)
  const again = await lane.run()
  return (await judgeRest(lane, again, middle)).map(({ kind, message }) => `${kind}: ${message}`)
}
