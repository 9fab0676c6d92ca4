import { type Rekeyed, type RekeyOptions, rekey as sealAnew } from "../../repair/rekey.ts"
import { type RekeyPlan, planRekey } from "../../repair/rekey-plan.ts"
import { AppError } from "../../base/error.ts"
import { type Command, type Terminal, type Values, isSet } from "../command.ts"
import { exitCodes } from "../exit-codes.ts"
import { openApp } from "../open-app.ts"
import { untilStopped } from "../until-stopped.ts"
import { counted } from "../words.ts"

export const rekey: Command = {
  usage: [
    "Seals every version, the bytes that a journal keeps and the store's keys anew, for today's",
    "recipients: this machine's identity and those in the config. Values stay as they are, so a thief of",
    "the old identity knows them: rotate them afterwards. A running service notices a new identity by",
    "itself, but other recipients only when it reloads (SIGHUP), so reload it first. The keys are bound to",
    "this machine's identity, so that others who can write to the store cannot put keys of their own",
    "there. If it is interrupted, everything still opens, and the same command finishes it.",
  ].join("\n"),
  options: {
    "new-identity": {
      type: "boolean",
      summary:
        "first make a new identity, in the file that holds this machine's; the old one still opens " +
        "everything until all is done, and a copy of it is kept",
    },
    "trust-store": {
      type: "boolean",
      summary:
        "trust keys that this identity never bound: for the first use of a break-glass identity, or a " +
        "store of an older build",
    },
    "dry-run": { type: "boolean", summary: "say what would be sealed anew; change nothing" },
  },
  run: async (terminal, args, values) => {
    if (args.length > 0)
      throw new AppError("usage", "rekey takes no argument", {
        hint: "it seals all environments of the config's project",
      })
    const [newIdentity, trust] = [isSet(values, "new-identity"), isSet(values, "trust-store")]
    const app = await openApp(terminal, values, "rekey", { trust })
    if (isSet(values, "dry-run"))
      return sayPlan(
        terminal,
        values,
        await untilStopped(terminal.stop, "; nothing was changed", () => planRekey(app)),
        { newIdentity, trust },
      )
    return say(terminal, values, await sealAnew(app, { newIdentity, trust }), {
      newIdentity,
      trust,
    })
  },
}

function sayPlan(
  terminal: Terminal,
  values: Values,
  plan: RekeyPlan,
  { newIdentity, trust }: Required<RekeyOptions>,
): number {
  if (isSet(values, "json"))
    terminal.stdout(JSON.stringify({ would: { newIdentity, trust, ...plan } }))
  else {
    if (trust) terminal.stdout("Would bind keys.age to this machine's identity, as it is.")
    if (newIdentity) terminal.stdout("Would make a new identity for this machine.")
    terminal.stdout(
      `Would seal anew, for ${counted(plan.recipients, "recipient")}: keys.age${Object.entries(
        plan.environments,
      )
        .map(([name, one]) => `, ${counted(one.values, "value")} of ${name}`)
        .join("")}. Nothing was changed.`,
    )
    if (plan.forOld > 0)
      terminal.stdout(`${counted(plan.forOld, "of them")} can be opened with the old identity now.`)
    if (newIdentity && plan.others.length > 0)
      terminal.stdout(
        `The store holds other projects, each of which needs a rekey of its own: ${plan.others.join(", ")}`,
      )
  }
  return exitCodes.done
}

function say(
  terminal: Terminal,
  values: Values,
  done: Rekeyed,
  { newIdentity, trust }: Required<RekeyOptions>,
): number {
  if (isSet(values, "json")) terminal.stdout(JSON.stringify(done))
  else for (const line of linesOf(done)) terminal.stdout(line)
  if (!isSet(values, "json"))
    terminal.stderr(
      newIdentity || done.old !== "none"
        ? stolen
        : `${trust ? "" : sameIdentity}former recipients can still open what was sealed before, in ` +
            "backups too: mycelium rotate-now --all makes that worthless",
    )
  if (trust && !isSet(values, "json"))
    terminal.stderr(
      "keys.age is bound to this identity from now on; only a head that left the machine " +
        "shows whether the store is as it was written: mycelium audit verify --heads FILE",
    )
  const all = Object.values(done.environments)
  const failed = all.filter(({ kind }) => kind === "failed")
  if (failed.length === 0) return done.old === "needed" ? exitCodes.partly : exitCodes.done
  if (failed.length < all.length) return exitCodes.partly
  return failed.every((one) => one.kind === "failed" && one.code === "locked")
    ? exitCodes.locked
    : exitCodes.failed
}

const sameIdentity =
  "this machine's identity is the same as before (if it may have leaked: mycelium rekey " +
  "--new-identity); "

const stolen =
  "if the old identity may have been stolen, so may the values: mycelium rotate-now --all " +
  "--contain --reason … must follow, and the credentials that the config refers to"

function linesOf(done: Rekeyed): readonly string[] {
  const lines = [`keys.age: sealed anew for ${counted(done.recipients, "recipient")}`]
  for (const [name, one] of Object.entries(done.environments)) {
    if (one.kind === "sealed") lines.push(`${name}: ${counted(one.values, "value")} sealed anew`)
    else
      lines.push(
        `${name}: NOT sealed anew: ${one.message} (${one.code})`,
        ...(one.hint === undefined ? [] : [`  hint: ${one.hint}`]),
      )
  }
  if (done.others.length > 0)
    lines.push(
      "the old identity is still needed by other projects in this store: " +
        `${done.others.join(", ")}; run mycelium rekey with the config of each`,
    )
  else if (done.old === "needed")
    lines.push(
      "the old identity is still needed: run the same command again once nothing blocks it",
    )
  if (done.old === "gone")
    lines.push(
      "nothing in the store is sealed to the old identity any " +
        `more${done.copies.length === 0 ? ": take it out of where the config names it" : ""}`,
    )
  for (const copy of done.copies)
    lines.push(
      `a copy of it is ${copy}: only old backups of the store need it; destroy it together with them`,
    )
  return lines
}
