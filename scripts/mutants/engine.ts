import { cli, edit, type Mutant, order, singleCuts } from "./mutant.ts"

/** The laws of a rotation's steps, each broken in one location. */
export const engine: readonly Mutant[] = [
  {
    law: 5,
    name: "promoted before the restarts",
    edits: edit(
      "rotate/forward.ts",
      `  const unhealthy = await restartAll(session)
  const rest = `,
      `  const open = openSet(session)
  const early = await promote(session, going)
  session.note(open)
  const unhealthy = await restartAll(session)
  if (unhealthy.length === 0) {
    await session.commit({ changeSet: null })
    return early
  }
  const rest = `,
    ),
    test: singleCuts,
  },
  {
    law: 5,
    name: "the restarts are left out",
    edits: edit(
      "rotate/forward.ts",
      `  const unhealthy = await restartAll(session)`,
      `  const unhealthy = (await Promise.resolve([])) as Awaited<ReturnType<typeof restartAll>>`,
    ),
    test: singleCuts,
  },
  {
    law: 1,
    name: "the value is written down after the service has it",
    edits: edit(
      "rotate/generate.ts",
      `  await session.commit({ patches, changeSet: set, ...aside, events, flush: true })`,
      `  const save = work.ledger.save.bind(work.ledger)
  Object.assign(work.ledger, { save: () => Promise.resolve() })
  await session.commit({ patches, changeSet: set, ...aside, events })
  Object.assign(work.ledger, { save })
  session.document = { ...session.document, serial: session.document.serial - 1 }`,
    ),
    test: singleCuts,
  },
  {
    law: 1,
    name: "the audit log is not synced before the service has the value",
    edits: edit(
      "rotate/generate.ts",
      `await session.commit({ patches, changeSet: set, ...aside, events, flush: true })`,
      `await session.commit({ patches, changeSet: set, ...aside, events })`,
    ),
    test: order,
  },
  {
    law: 2,
    name: "a hook is taken for the first one under its mark",
    edits: edit(
      "rotate/restart-all.ts",
      `const first = session.begun === set.id && !session.hooks.has(mark)`,
      `const first = !session.hooks.has(mark)`,
    ),
    test: singleCuts,
  },
  {
    law: 4,
    name: "a value that was given up is erased",
    edits: edit(
      "rotate/roll-back/end.ts",
      `changeVersion(id, (version) => ({ ...version, stage }))(noted?.(state) ?? state)`,
      `({ ...state, versions: state.versions.filter((version) => version.id !== id || stage.kind === "uncertain") })`,
    ),
    test: singleCuts,
  },
  {
    law: 2,
    name: "that a restart may begin is not written down",
    edits: [
      ...edit(
        "rotate/forward/record-verdicts.ts",
        `const changeSet = first === undefined ? next : { ...next, touched: [...new Set([...next.touched, first.name])] }`,
        `const changeSet = first === undefined ? next : next`,
      ),
      ...edit(
        "rotate/ahead.ts",
        `first === undefined ? next : { ...next, touched: [...new Set([...next.touched, first.name])] }`,
        `first === undefined ? next : next`,
      ),
      ...edit(
        "rotate/restart-all.ts",
        `await session.commit({ changeSet: { ...set, touched: [...set.touched, next.name] } })`,
        `session.note({ ...set, touched: [...set.touched, next.name] })`,
      ),
      ...edit(
        "rotate/restart-all.ts",
        `else await session.commit({ changeSet: { ...restarted, touched: [...new Set([...restarted.touched, following.name])] } })`,
        `else await session.commit({ changeSet: { ...restarted, touched: [] } })`,
      ),
    ],
    test: singleCuts,
  },
  {
    law: 4,
    name: "the old value is kept at once, its revoke is not owed",
    edits: edit(
      "rotate/promoted.ts",
      `former === "refused" || driverOf(session, name).overlap === "none"`,
      `former === "refused" || driverOf(session, name).overlap !== undefined`,
    ),
    test: singleCuts,
  },
  {
    law: 3,
    name: "a refusal is a death without its counter-proof",
    edits: edit(
      "rotate/death.ts",
      `if ((await probe(session, name, live)) === "accepted") return undefined`,
      `if (live !== undefined) return undefined`,
    ),
    test: cli("rotate-back", "does not take a refusal for a proof"),
  },
  {
    law: 3,
    name: "a login that is still under way is taken for ended",
    edits: edit(
      "rotate/under-way.ts",
      `if (underWay === undefined) return`,
      `if (underWay === undefined || waitedMs === 0) return`,
    ),
    test: singleCuts,
  },
  {
    law: 9,
    name: "a request to stop is obeyed while programs are cut off",
    edits: edit(
      "app/environment/stop-signals.ts",
      `if (this.#session === undefined || !this.#isHeld()) return`,
      `if (this.#session === undefined || this.#isHeld()) return`,
    ),
    test: cli("stop", "while programs are cut off"),
  },
  {
    law: 7,
    name: "a dry run has a server write its users down",
    edits: edit(
      "incident/dry-run.ts",
      `secrets: names, trial: true, takenFirst`,
      `secrets: names, takenFirst`,
    ),
    test: cli("looks", "the store stays as it is"),
  },
  {
    law: 7,
    name: "a dry run changes the state",
    edits: edit(
      "incident/dry-run.ts",
      `    const secrets = await describeAll(`,
      `    await session.commit({})
    const secrets = await describeAll(`,
    ),
    test: cli("rotate", "adopts, says what it would do"),
  },
  {
    law: 6,
    name: "a revoke waits for the open rotation of another secret",
    edits: edit(
      "rotate/revoke/beside.ts",
      `if (free.length === 0) return waiting`,
      `if (free.length > -1) return waiting`,
    ),
    test: singleCuts,
  },
  {
    law: 6,
    name: "a rotation is called due though it waits for an open one",
    edits: edit(
      "plan/agenda.ts",
      `const state = heldBy(document, name) === undefined ? document?.secrets[name] : undefined`,
      `const state = document?.secrets[name]`,
    ),
    test: { file: "test/plan/agenda.test.ts", name: "is open; a revoke" },
  },
  {
    law: 5,
    name: "a first value without a way back leaves the programs after the first unhealthy one with what they held",
    edits: edit(
      "rotate/restart-all.ts",
      `if (set.direction === "forward" && !cannotGoBack(session, set)) return unhealthy`,
      `if (set.direction === "forward" && set.contain === undefined) return unhealthy`,
    ),
    test: { file: "test/rotate/past-unhealthy.test.ts", name: "a first value" },
  },
]
