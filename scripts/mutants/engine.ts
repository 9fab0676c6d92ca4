import { cli, edit, type Mutant, order, singleCuts } from "./mutant.ts"

/** The laws of a rotation, each broken in one location. */
export const engine: readonly Mutant[] = [
  {
    law: 3,
    name: "reconcile asks which value lives before it has ended what may still land",
    edits: edit(
      "rotate/probe-versions.ts",
      "const isSettled = await settle(session, name, await opened(session, name, candidates.slice(0, settleBy)))",
      "const isSettled = settleBy > 0",
    ),
    test: { file: "test/rotate/probe-versions.test.ts", name: "not called refused" },
  },
  {
    law: 2,
    name: "the direction is not written before the first act in it",
    edits: edit(
      "rotate/forward/turn-back.ts",
      `  await session.commit({
    changeSet: { ...withMarks(session, set, { ended: endedOf(session, set.secrets), stuck: [] }), direction: "back", restarted: [], touched: mayHaveSeen(session, { ...set, touched: fault.touched }, session.renamed), fault: { code, message } },
    events: [{ event: "back", code }],
  })`,
      `  session.note({ ...set, direction: "back", restarted: [], touched: fault.touched, fault: { code, message } })`,
    ),
    test: order,
  },
  {
    law: 2,
    name: "a crash on the way back goes forward again",
    edits: edit(
      "rotate/resume.ts",
      `return set.direction === "back" ? rollBack(session) : forward(`,
      `return forward(`,
    ),
    test: { file: "test/crash/crash.test.ts", name: "goes back, though nothing is wrong" },
  },
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
    law: 3,
    name: "a random wrong value is not tried",
    edits: edit(
      "rotate/ask-versions.ts",
      `const control = await probeControl(session, name, current ?? pending, waiting)`,
      `const control = "refused" as Probe`,
    ),
    test: singleCuts,
  },
  {
    law: 3,
    name: "what an earlier run left is not settled",
    edits: edit(
      "rotate/ask-versions.ts",
      `if (!(await settle(session, name, known, waiting)))`,
      `if (known.length === 0)`,
    ),
    test: singleCuts,
  },
  {
    law: 3,
    name: "recovery applies without asking",
    edits: edit("rotate/prove.ts", `if (!fresh || tries > 0) {`, `if (tries > 0) {`),
    test: { file: "test/crash/crash.test.ts", name: "refuses every value" },
  },
  {
    law: 3,
    name: "silence counts as a refusal",
    edits: edit(
      "rotate/ask.ts",
      `session.faults.set(name, describeError(error))
    return "unknown"`,
      `session.faults.set(name, describeError(error))
    return "refused"`,
    ),
    test: { file: "test/rotate/ask.test.ts" },
  },
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
    test: cli("rotate", "waits with the file"),
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
    name: "a value that a person has set is not taken into a way back",
    edits: edit(
      "rotate/reconcile/journals.ts",
      `    blocked &&
    strategyOf(open).takesFoundVersion &&`,
      `    blocked &&
    open.direction === "forward" &&
    strategyOf(open).takesFoundVersion &&`,
    ),
    test: cli("stuck", "goes back"),
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
    test: cli("rotate", "does not take a refusal for it"),
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
    law: 3,
    name: "a current value that its service refuses is not looked for where a revoke fails",
    edits: edit("rotate/revoke.ts", `!(await hasDrifted(session, name))`, `name !== ""`),
    test: cli("drifted", "still owed a revoke"),
  },
  {
    law: 3,
    name: "a value that a rotation has found refused is not written down",
    edits: edit(
      "rotate/rotate.ts",
      `one.kind === "left" && one.code === driftCode ? [name]`,
      `one.kind === "rotated" ? [name]`,
    ),
    test: cli("drifted", "told by the rotation that finds it"),
  },
  {
    law: 3,
    name: "since when the value lives is not asked again after a crash",
    edits: edit(
      "rotate/prove.ts",
      `if (verdict.kind !== "proven" || !ends) return verdict`,
      `if (verdict.kind !== "proven" || ends) return verdict`,
    ),
    test: { file: "test/rotate/dated.test.ts" },
  },
  {
    law: 3,
    name: "since when the value lives is forgotten",
    edits: edit(
      "rotate/session.ts",
      `return version.acceptedAt === undefined ? credential : { ...credential, acceptedAt: version.acceptedAt }`,
      `return credential`,
    ),
    test: cli("rotate", "ends sessions"),
  },
  {
    law: 7,
    name: "a recovered rotation is followed by another",
    edits: edit(
      "app/rotate-now.ts",
      `recovered[name]?.kind !== "rotated" && !session.isOpen(name)`,
      `!session.isOpen(name)`,
    ),
    test: cli("rotate", "with the same value"),
  },
  {
    law: 2,
    name: "recovery uses today's config",
    edits: edit(
      "app/environment.ts",
      `new Session(open(begun ?? today), document,`,
      `new Session(open(today), document,`,
    ),
    test: cli("rotate", "with the options that it began with"),
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
    name: "nobody is told of an output that a containment has left",
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
    name: "a first value without a way back leaves the programs after the first sick one with what they held",
    edits: edit(
      "rotate/restart-all.ts",
      `if (set.direction === "forward" && !cannotGoBack(session, set)) return unhealthy`,
      `if (set.direction === "forward" && set.contain === undefined) return unhealthy`,
    ),
    test: { file: "test/rotate/past-unhealthy.test.ts", name: "a first value" },
  },
  {
    law: 5,
    name: "after a crash it is forgotten which program got sick with a value that was found alive",
    edits: edit(
      "rotate/strategy.ts",
      `return why === undefined && set.unhealthy === undefined ? set : { ...set, unhealthy }`,
      `return set`,
    ),
    test: { file: "test/rotate/past-unhealthy.test.ts", name: "reconcile found" },
  },
  {
    law: "always",
    name: "a value that a containment took away counts again, and the secret stays contained",
    edits: edit(
      "rotate/session/next-document.ts",
      `const back = noteBack(name, { before: state, next: patch(state) }, now)`,
      `const back = noteBack(name, { before: patch(state), next: patch(state) }, now)`,
    ),
    test: { file: "test/rotate/counts-again.test.ts" },
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
