import { type Shop, type ShopOptions } from "../../test/support/shop.ts"

/** What is cut: one command in a shop that was brought to the instant before it. */
export type Scenario = {
  readonly name: string
  readonly says: string
  readonly shop: ShopOptions
  /** A user of Redis instead of a role of PostgreSQL. */
  readonly redis?: true
  readonly args: readonly string[]
  /** From a shop that is laid out, with an identity, to the instant before the command. */
  readonly prepare: (shop: Shop) => Promise<void>
  /** How it must end when it is called again after a cut. */
  readonly rest: "rotated" | "back" | "adopted"
  /** Cuts begin after this many changes of the state: to reach the revoke without the rest. */
  readonly afterWrites?: number
}

const rotate = ["rotate-now", "production", "--json"]
const adopted = (shop: Shop): Promise<void> => shop.adopt()

export const scenarios: readonly Scenario[] = [
  { name: "generated", says: "a value that no service asks for", shop: { generatedOnly: true }, args: rotate, prepare: adopted, rest: "rotated" },
  { name: "postgres", says: "a role changes its own password", shop: {}, args: rotate, prepare: adopted, rest: "rotated" },
  { name: "admin", says: "an admin changes it", shop: { admin: true }, args: rotate, prepare: adopted, rest: "rotated" },
  { name: "two", says: "postgres and generated, two files, two programs", shop: { two: true }, args: rotate, prepare: adopted, rest: "rotated" },
  { name: "pair", says: "two roles in turn", shop: { pair: true, two: true }, args: rotate, prepare: adopted, rest: "rotated" },
  { name: "redis", says: "a user of Redis, two passwords for a while", shop: { two: true }, redis: true, args: rotate, prepare: adopted, rest: "rotated" },
  { name: "back", says: "a health check fails, it goes back", shop: { two: true }, args: rotate, prepare: sick, rest: "back" },
  { name: "pair-back", says: "a pair goes back", shop: { pair: true }, args: rotate, prepare: sick, rest: "back" },
  { name: "redis-back", says: "a user of Redis goes back", shop: {}, redis: true, args: rotate, prepare: sick, rest: "back" },
  { name: "revoke", says: "the old sessions are ended", shop: { endSessions: true }, args: rotate, prepare: adopted, rest: "rotated", afterWrites: 3 },
  { name: "dated", says: "as revoke, cut anywhere", shop: { endSessions: true }, args: rotate, prepare: adopted, rest: "rotated" },
  { name: "adopt", says: "taking over what exists", shop: { two: true }, args: ["adopt", "production", "--json"], prepare: init, rest: "adopted" },
  { name: "new", says: "a first value", shop: { admin: true, empty: true }, args: [...rotate, "--new"], prepare: init, rest: "rotated" },
  { name: "again", says: "the recovery itself is cut, going forward", shop: { two: true }, args: rotate, prepare: killedForward, rest: "rotated" },
  { name: "again-back", says: "the recovery itself is cut, going back", shop: { two: true }, args: rotate, prepare: killedBack, rest: "back" },
]

async function init(shop: Shop): Promise<void> {
  const { code, stderr } = await shop.run("init")
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`)
}

async function sick(shop: Shop): Promise<void> {
  await shop.adopt()
  shop.sicken()
}

/** Dies in its first restart, with the new password at the server and in the file. */
async function killedForward(shop: Shop): Promise<void> {
  await shop.adopt()
  await dieIn(shop, 'if [ -e die ]; then rm die; kill -9 "$PPID"; exit 1; fi')
}

/** Dies on the way back, in the restart with the former file. */
async function killedBack(shop: Shop): Promise<void> {
  await sick(shop)
  await dieIn(shop, 'if [ -e die ] && cmp -s .env good.env; then rm die; kill -9 "$PPID"; exit 1; fi')
}

async function dieIn({ project, run: _, ...shop }: Shop, line: string): Promise<void> {
  const hook = project.read("restart-api")
  project.script("restart-api", line, ...hook.split("\n").slice(1))
  project.write("die", "")
  const { signal, stdout, stderr } = await project.mycelium(rotate)
  if (signal !== "SIGKILL") throw new Error(`${shop.role} was not killed in its hook: ${stdout}${stderr}`)
}
