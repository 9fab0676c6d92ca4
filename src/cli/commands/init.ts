import { resolve } from "node:path"
import { sayList } from "../words.ts"
import { type IdentityPlace, type Made, identityPlace, init as make } from "../../app/init.ts"
import { readIdentities } from "../../app/identity.ts"
import { trustOf } from "../../config/trust.ts"
import { storeFolder } from "../../config/store.ts"
import { AppError } from "../../base/error.ts"
import { type Command, type Terminal, isSet, textOf } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"

export const init: Command = {
  usage:
    "Makes what is missing: this machine's identity, and a config (./mycelium.yaml, or --config). Keeps " +
    "what exists. Beside a store that an identity has sealed, it keeps none that does not open it, and\n" +
    "makes a new one only if that one is here: the new file holds both, the one of now as retired.",
  options: {
    identity: {
      type: "string",
      value: "FILE",
      summary:
        "make the identity in FILE, if it reaches mycelium in another way: by a unit of systemd, or " +
        "as a secret of a container",
    },
    "postgres-pair": {
      type: "string",
      value: "NAME",
      summary:
        "only print the SQL and the config lines for a pair of PostgreSQL roles: NAME_blue, NAME_green",
    },
    from: {
      type: "string",
      value: "ROLE",
      summary:
        "with --postgres-pair: the steps from a role that programs log in as now to a pair; the role " +
        "keeps what it owns",
    },
  },
  run: async (terminal, _, values) => {
    const pair = textOf(values, "postgres-pair")
    if (pair !== undefined)
      return printPair(
        terminal,
        { name: pair, from: textOf(values, "from") },
        isSet(values, "json"),
      )
    if (textOf(values, "from") !== undefined)
      throw new AppError("usage", "--from belongs to --postgres-pair", {
        hint: "mycelium init --postgres-pair shop --from shop",
      })
    const path = resolve(terminal.cwd, textOf(values, "config") ?? "mycelium.yaml")
    const file = textOf(values, "identity")
    const config = await placesIn(terminal, path)
    const identity = file === undefined ? config.identity : { path: resolve(terminal.cwd, file) }
    const made = await make(terminal.host, {
      folder: terminal.cwd,
      configPath: path,
      store: config.store,
      identity,
      current: config.current,
    })
    if (isSet(values, "json")) terminal.stdout(JSON.stringify(made))
    else for (const one of made) terminal.stdout(`${did(one)} ${one.path}: ${one.about}`)
    if (!isSet(values, "json") && made.some((one) => one.left)) terminal.stderr(bring)
    else if (!isSet(values, "json") && made.some((one) => one.follows)) terminal.stderr(replace)
    else if (!isSet(values, "json") && made.some((one) => one.made))
      terminal.stderr(nextStep(config.environments))
    return exitCodes.done
  },
}

const bring =
  "next: mycelium init --identity FILE makes an identity; let a unit of systemd load it from there " +
  "(LoadCredential=identity:FILE), or mount it into the container"

const replace =
  "next: put that file where the config takes the identity from, restart what loads it, then mycelium " +
  'rekey; then take the old one out (the line "# retired" and the key below it)'

/** `environments`: of a config that was there before; none: it was just made. */
function nextStep(environments: readonly string[] | undefined): string {
  const [first = "production", ...others] = environments ?? []
  const edit = environments === undefined ? "edit the config, then " : ""
  const more = others.length === 0 ? "" : `; the same for ${sayList(others, (names) => names)}`
  return (
    `next: ${edit}mycelium adopt ${first} (values that exist) ` +
    `or mycelium rotate-now ${first} --new (first values)${more}`
  )
}

function did({ made, left }: Made): string {
  if (left === true) return "left"
  return made ? "made" : "kept"
}

/** As the config says; the usual ones if there is none, or none that can be read. */
async function placesIn(
  terminal: Terminal,
  path: string,
): Promise<{
  readonly store: string
  readonly identity: IdentityPlace
  /** Left out if there is no config yet, or none that can be read. */
  readonly environments?: readonly string[]
  readonly current: () => Promise<readonly string[]>
}> {
  const { openConfig } = await import("../open-config.ts")
  return openConfig(terminal, { config: path }).then(
    (config) => ({
      store: config.store,
      identity: identityPlace(config, terminal.host),
      environments: Object.keys(config.environments),
      current: async () => {
        // It may name a program that prints the identity.
        await trustOf(config)
        return (await readIdentities(config, terminal.host)).identities
      },
    }),
    () => {
      const store = storeFolder(undefined, terminal.cwd, terminal.host.env)
      const usual = { folder: terminal.cwd, store }
      return {
        store,
        identity: {},
        current: async () => (await readIdentities(usual, terminal.host)).identities,
      }
    },
  )
}

/** To read, or to pipe into psql. Makes nothing. */
async function printPair(
  terminal: Terminal,
  { name, from }: { readonly name: string; readonly from: string | undefined },
  json: boolean,
): Promise<number> {
  const { postgresPair, scriptOf } = await import("./postgres-pair.ts")
  const text = postgresPair(name, from)
  terminal.stdout(json ? JSON.stringify(text) : scriptOf(text))
  return exitCodes.done
}
