import { cli, edit, type Mutant, order, singleCuts } from "./mutant.ts"

/** The laws of a recovery and of its journal, each broken in one location. */
export const recovery: readonly Mutant[] = [
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
    test: cli("rotate-killed", "with the same value"),
  },
  {
    law: 2,
    name: "recovery uses today's config",
    edits: edit(
      "app/environment.ts",
      `new Session(open(begun ?? today), document,`,
      `new Session(open(today), document,`,
    ),
    test: cli("rotate-killed", "with the options that it began with"),
  },
  {
    law: 5,
    name: "after a crash it is forgotten which program became unhealthy with a value that was found alive",
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
]
