import { edit, type Mutant } from "./mutant.ts"

const entries = (name: string): Mutant["test"] => ({ file: "test/rotate/entries.test.ts", name })
const uncompared = (name: string): Mutant["test"] => ({
  file: "test/plugins/outputs/aws_parameter/writes.test.ts",
  name,
})
const shape: Mutant["test"] = { file: "test/plugins/outputs/entry.test.ts" }

/** The laws of outputs that are entries of a secret manager, each broken in one location. */
export const ofEntries: readonly Mutant[] = [
  {
    law: 6,
    name: "a silent entry keeps services and files from going back",
    edits: edit("rotate/roll-back/outputs.ts", `return urgent || isEntry(output)`, `return urgent`),
    test: entries("on a way back a silent entry is owed"),
  },
  {
    law: 6,
    name: "a file that cannot be put back keeps the next one from going back",
    edits: edit(
      "rotate/roll-back/outputs.ts",
      `into[target] = describeError(error)`,
      `into[target] = describeError(error)
      throw error`,
    ),
    test: entries("does not keep the file after it"),
  },
  {
    law: 5,
    name: "a program is restarted though the entry that it reads is still to be put back",
    edits: edit(
      "rotate/roll-back.ts",
      `if (session.urgent) return []`,
      `if (session.urgent || !session.urgent) return []`,
    ),
    test: entries("only the program that reads the silent entry"),
  },
  {
    law: 9,
    name: "a value that is given up dies while readers of an entry have it",
    edits: edit("rotate/roll-back/end.ts", `if (keeps !== undefined) return keeps`, ``),
    test: entries("a value that is given up lives"),
  },
  {
    law: 9,
    name: "the readers of an entry have no more than the grace",
    edits: edit(
      "rotate/promoted.ts",
      `Math.max(policy?.graceMs ?? 0, readersWithinMs(session.outputsOf([name])))`,
      `Math.max(policy?.graceMs ?? 0, readersWithinMs([]))`,
    ),
    test: entries("the grace of a value that an entry has shown"),
  },
  {
    law: 3,
    name: "a write that may still land is not fenced off on the way back",
    edits: edit("rotate/land.ts", `doubted.add(output.target)`, `doubted.delete(output.target)`),
    test: entries("finds another mark"),
  },
  {
    law: 3,
    name: "a lost answer is not settled",
    edits: edit(
      "deliver/land.ts",
      `return first.is === "unknown" && draft.settle !== undefined`,
      `return first.is === "refused" && draft.settle !== undefined`,
    ),
    test: entries("a lost answer alone turns nothing back"),
  },
  {
    law: 6,
    name: "a silent entry turns a rotation back while services take both values",
    edits: edit(
      "rotate/outputs-refused.ts",
      `.every((name) => driverOf(session, name).overlap === "both"),`,
      `.every((name) => driverOf(session, name).overlap === "none"),`,
    ),
    test: entries("while services take both values"),
  },
  {
    law: 5,
    name: "no entry is looked at before a revoke",
    edits: edit("rotate/revoke.ts", `(await keepsAlive(session, name, looks.entries)) ??`, ``),
    test: entries("someone has put the former value back"),
  },
  {
    law: 5,
    name: "a program that is unhealthy at the revoke loses the former value",
    edits: edit(
      "rotate/revoke/look-at-programs.ts",
      `return answer === true ? undefined : unhealthy(program.name, answer)`,
      `return answer === "" ? unhealthy(program.name, answer) : undefined`,
    ),
    test: {
      file: "test/rotate/revoke.test.ts",
      name: "a program that is not healthy any more keeps what is still accepted",
    },
  },
  {
    law: "always",
    name: "the value of an entry is read where its mark tells",
    edits: edit(
      "rotate/revoke/look-at-entries.ts",
      `if (mark !== undefined && mark === session.document.marks?.[output.target]) return true`,
      ``,
    ),
    test: entries("the mark is looked at, and no value"),
  },
  {
    law: "always",
    name: "a call of a manager does not end with the request to stop",
    edits: edit(
      "deliver/in-time.ts",
      `return await within(ms, act, turn)`,
      `return await within(ms, act)`,
    ),
    test: entries("ends with the request to stop"),
  },
  {
    law: 1,
    name: "a token is not durable before its content is staged",
    edits: edit(
      "rotate/stage.ts",
      `await session.commit({})
  await Promise.all(`,
      `await Promise.all(`,
    ),
    test: entries("what is staged is named in the state before"),
  },
  {
    law: "always",
    name: "an entry is made though it was not asked for",
    edits: edit(
      "plugins/outputs/entry/output.ts",
      `if (seen === undefined && !create) throw missing(shown)`,
      ``,
    ),
    test: shape,
  },
  {
    law: "always",
    name: "a write goes over what someone else has written since",
    edits: edit(
      "plugins/outputs/entry/draft.ts",
      `if (next.seen?.mark === over) return landed`,
      `if (next.seen?.mark !== over) return landed`,
    ),
    test: shape,
  },
  {
    law: 9,
    name: "programs that are locked out wait for a manager",
    edits: edit(
      "rotate/deliver.ts",
      `return hasGap && !toRestart(`,
      `return !hasGap && !toRestart(`,
    ),
    test: entries("programs that are locked out wait for no manager"),
  },
  {
    law: "always",
    name: "where a manager compares nothing, what another program wrote meanwhile is gone",
    edits: edit(
      "plugins/outputs/entry/uncompared.ts",
      `this.#entry.follows(over, mark) === true`,
      `this.#entry.follows(over, mark) !== undefined`,
    ),
    test: uncompared("a value that others write at the same moment stands there again"),
  },
  {
    law: 3,
    name: "where a manager compares nothing, its history is not asked after a lost answer",
    edits: edit(
      "plugins/outputs/entry/uncompared.ts",
      `const own = since[at]`,
      `const own = since[since.length]`,
    ),
    test: uncompared("the answer is lost, and others wrote at the same moment"),
  },
  {
    law: 3,
    name: "where a manager compares nothing, a request that may still land is forgotten on the way back",
    edits: edit(
      "plugins/outputs/entry/uncompared.ts",
      `return this.#lost.every((lost) => same(lost, bytes))`,
      `return this.#lost.every(() => true)`,
    ),
    test: uncompared("that the first may still land is known on the way back"),
  },
]
