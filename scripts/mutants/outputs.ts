import { cli, edit, type Mutant, order, singleCuts } from "./mutant.ts"

/** The laws of outputs (written ahead, put back, owed), each broken in one location. */
export const outputs: readonly Mutant[] = [
  {
    law: 5,
    name: "outputs are restored before the services",
    edits: edit(
      "rotate/roll-back.ts",
      `    const waits = waiting(set, looks, ways)
`,
      `    const waits = waiting(set, looks, ways)
    await restoreOutputs(session, ways, [])
`,
    ),
    test: order,
  },
  {
    law: 6,
    name: "outputs do not wait for a silent service on the way back",
    edits: edit(
      "rotate/roll-back.ts",
      `filter((name) => backs.get(name)?.kind !== "back")`,
      `filter(() => false)`,
    ),
    test: cli("rotate-back", "waits with the file"),
  },
  {
    law: 6,
    name: "a file loses the new value of a member whose service says nothing now",
    edits: edit(
      "rotate/beside.ts",
      `!going.includes(name) && mayBeShown(session, changeSet, name)`,
      `!going.includes(name) && name === ""`,
    ),
    test: singleCuts,
  },
  {
    law: 6,
    name: "a containment writes the current value of a secret whose rotation is open beside it",
    edits: edit(
      "rotate/beside.ts",
      `const aside = deferred.filter((set) => !isDeferrable(set)).flatMap(({ secrets }) => secrets)`,
      `const aside: readonly string[] = []`,
    ),
    test: singleCuts,
  },
  {
    law: 6,
    name: "a way back puts bytes back that a containment has overtaken",
    edits: edit(
      "rotate/forward/record-verdicts.ts",
      `...staleAside(session, Object.keys(before)),`,
      ``,
    ),
    test: { file: "test/rotate/stale-aside.test.ts" },
  },
  {
    law: 2,
    name: "what a way back restores is not written down",
    edits: [
      ...edit(
        "rotate/forward/record-verdicts.ts",
        `...(ready.length > 0 ? { before:`,
        `...(ready.length < 0 ? { before:`,
      ),
      ...edit(
        "rotate/ahead.ts",
        `ahead: true, before: { ...set.before, ...this.#before } }`,
        `ahead: true }`,
      ),
    ],
    test: singleCuts,
  },
  {
    law: 2,
    name: "an output changes before what was written ahead is durable",
    edits: [
      ...edit(
        "rotate/ahead.ts",
        `Promise<boolean> {
    await this.#writing
    return`,
        `Promise<boolean> {
    return`,
      ),
      ...edit(
        "rotate/ahead.ts",
        `    await this.#writing?.catch(() => undefined)
`,
        ``,
      ),
    ],
    test: singleCuts,
  },
  {
    law: 5,
    name: "what was written ahead is not taken for shown after a crash",
    edits: edit(
      "rotate/forward/verdicts.ts",
      `(wasProven(session, name) || (!fresh && openSet(session).ahead === true))`,
      `wasProven(session, name)`,
    ),
    test: singleCuts,
  },
  {
    law: 6,
    name: "a file that cannot be written stops the whole set",
    edits: edit(
      "rotate/preflight/outputs.ts",
      `const bad = own.flatMap((output) => refused.get(output) ?? [])`,
      `const bad = [...refused.values()]`,
    ),
    test: cli("bad-input", "a symbolic link"),
  },
  {
    law: 6,
    name: "a file that cannot be renamed holds a containment up",
    edits: edit("rotate/deliver.ts", `if (!leaves && !isEntry(output)) throw error`, `throw error`),
    test: singleCuts,
  },
  {
    law: 1,
    name: "a containment goes on without an output before that is written down",
    edits: edit(
      "rotate/unwritten.ts",
      `await session.commit({
        changeSet: { ...set, leaves: { ...set.leaves, ...leaves } },
        events: leftEvents(session, leaves, set.secrets),
      })`,
      `session.note({ ...set, leaves: { ...set.leaves, ...leaves } })`,
    ),
    test: singleCuts,
  },
  {
    law: 5,
    name: "an output that a containment has left is not reported",
    edits: edit(
      "rotate/unwritten/owed.ts",
      `if (own.length === 0 && failed.length === 0) return undefined`,
      `if (own.length < 9) return undefined`,
    ),
    test: singleCuts,
  },
  {
    law: 5,
    name: "a program is taken for restarted though its output was left",
    edits: edit(
      "rotate/unwritten/owed.ts",
      `programs: [...new Set([...readersOf(session, own), ...failed])],`,
      `programs: [],`,
    ),
    test: singleCuts,
  },
  {
    law: 5,
    name: "a program that its restart found healthy stays noted as unhealthy",
    edits: edit(
      "rotate/unwritten/restart.ts",
      `withoutUnhealthy(sound)(changeUnwritten`,
      `withoutUnhealthy([])(changeUnwritten`,
    ),
    test: { file: "test/rotate/restart-owed.test.ts" },
  },
  {
    law: 6,
    name: "a way back whose file cannot be written holds a containment up",
    edits: edit(
      "rotate/roll-back/outputs.ts",
      `return urgent || isEntry(output)`,
      `return isEntry(output)`,
    ),
    test: singleCuts,
  },
  {
    law: 5,
    name: "an owed output is not written once it can be",
    edits: edit(
      "rotate/unwritten/settle.ts",
      `if (Object.keys(outputs).length > 0) await writeOwed(session, outputs)`,
      `if (Object.keys(outputs).length > 9) await writeOwed(session, outputs)`,
    ),
    test: singleCuts,
  },
  {
    law: 1,
    name: "a file that cannot be written is found after the value is made",
    edits: edit(
      "rotate/preflight.ts",
      `const written = await withoutUnwritable(session, healthy, strategy)`,
      `const written = { ...healthy, shown: [], leaves: {} }`,
    ),
    test: cli("bad-disk", "of an output that is full"),
  },
  {
    law: 1,
    name: "what is still to be written has no location of its own on the disk",
    edits: edit(
      "rotate/rotate.ts",
      `await session.work.ledger.reserve?.(needOf(session, members, { shown, leavesUnwritable: strategy.leavesUnwritable }))`,
      `void needOf(session, members, { shown, leavesUnwritable: strategy.leavesUnwritable })`,
    ),
    test: cli("bad-disk", "gets full while the server is told"),
  },
  {
    law: 5,
    name: "an output that a way back could not put back is no debt",
    edits: edit(
      "rotate/unwritten/owed.ts",
      `return all === undefined ? state : { ...state, unwritten: all }`,
      `return { ...state, ...(unwritten === undefined ? {} : { unwritten }) }`,
    ),
    test: { file: "test/rotate/owed-back.test.ts" },
  },
]
