import { cli, edit, found, type Mutant, orderOfServices, singleCuts } from "./mutant.ts"

/**
 * Laws that neither the steps of a rotation nor the ground under it break alone: what lasts, who
 * waits, when, and in which order.
 */
export const laws: readonly Mutant[] = [
  {
    law: 1,
    name: "the folders of a new store are not synced",
    edits: edit(
      "record/state-file.ts",
      `if (document.serial === 1) await make(stateFolder(place), durableFolder)`,
      `if (document.serial === 0) await make(stateFolder(place), durableFolder)`,
    ),
    test: orderOfServices,
  },
  {
    law: 1,
    name: "a state that a killed run had not yet synced is acted upon",
    edits: edit(
      "record/ledger.ts",
      `settleFolder(stateFolder(this.#place)), readState`,
      `Promise.resolve(settleFolder), readState`,
    ),
    test: orderOfServices,
  },
  {
    law: 3,
    name: "a revoke that a killed run had begun is asked for again, not ended first",
    edits: edit(
      "rotate/revoke.ts",
      `if (session.settled.has(name) || driverOf`,
      `if (name !== "" || session.settled.has(name) || driverOf`,
    ),
    test: found,
  },
  {
    law: 3,
    name: "a revoke without an answer counts as over",
    edits: edit(
      "rotate/at-service.ts",
      `session.settled.delete(name)`,
      `session.settled.has(name)`,
    ),
    test: found,
  },
  {
    law: 1,
    name: "what a containment owes is forgotten where no version tells of it",
    edits: edit(
      "rotate/promoted.ts",
      `...present({ owes: asked ? (true as const) : undefined })`,
      `...present({ owes: undefined })`,
    ),
    test: singleCuts,
  },
  {
    law: 3,
    name: "a server that has left the config is forgotten by a containment",
    edits: edit(
      "core/open-containment.ts",
      `if (unaskedIn(state).length > 0)`,
      `if (unaskedIn(state).length < 0)`,
    ),
    test: cli("server-left", "a Redis node that took the value is not at its end"),
  },
  {
    law: 3,
    name: "a containment counts as held though the service refuses its value",
    edits: edit(
      "incident/contain-secrets.ts",
      `|| drift !== undefined) return false`,
      `|| drift === null) return false`,
    ),
    test: cli("contain-again", "of which the service knows"),
  },
  {
    law: 3,
    name: "the same incident calls a secret contained without asking its service",
    edits: edit(
      "incident/contain-secrets.ts",
      `await askHeld(session, there.filter(holds), options.incident)`,
      `await askHeld(session, [], options.incident)`,
    ),
    test: cli("contain-lost", "without an admin it is left, and all say so"),
  },
  {
    law: 3,
    name: "a containment does not end what a killed run has under way",
    edits: edit(
      "rotate/prove.ts",
      `if (fresh && !(await isSettled(session, name, waiting)))`,
      `if (fresh && name === "" && !(await isSettled(session, name, waiting)))`,
    ),
    test: found,
  },
  {
    law: 5,
    name: "an output that a killed run had not yet synced counts as delivered",
    edits: edit(
      "app/environment/tidy.ts",
      `await settleOutput(output.target)`,
      `await Promise.resolve([settleOutput, output.target])`,
    ),
    test: orderOfServices,
  },
  {
    law: 5,
    name: "a way back forgets what the machine may have started meanwhile",
    edits: edit(
      "rotate/resume.ts",
      `new Set(Object.keys(found.before ?? {})))`,
      `new Set(Object.keys({})))`,
    ),
    test: cli("rotate-killed", "started meanwhile"),
  },
  {
    law: 5,
    name: "a way back forgets what a supervisor may have started after the first rename",
    edits: edit("rotate/deliver.ts", `session.renamed.add(target)`, `session.renamed.has(target)`),
    test: { file: "test/crash/crash.test.ts", name: "supervisor" },
  },
  {
    law: 5,
    name: "a program that was not restarted on the way back is forgotten in a crash",
    edits: edit(
      "rotate/restart-all.ts",
      `if (set.direction === "back") continue`,
      `if (set.direction === "back" && unhealthy.length === 0) continue`,
    ),
    test: {
      file: "test/faults/going-back.test.ts",
      name: "killed before the way back has ended",
      binary: true,
    },
  },
  {
    law: 5,
    name: "a deployment that was unhealthy before does not block",
    edits: edit(
      "rotate/preflight/programs.ts",
      `if (answer !== true) unhealthy.set(deployment, answer)`,
      `if (answer !== true && deployment.name === "") unhealthy.set(deployment, answer)`,
    ),
    test: cli("rotate-back", "does not begin while the deployment is unhealthy"),
  },
  {
    law: 6,
    name: "one service without an answer stops the others",
    edits: edit(
      "rotate/forward.ts",
      `if (going.length === 0) return undecided`,
      `if (going.length < members.length) return undecided`,
    ),
    test: singleCuts,
  },
  {
    law: 6,
    name: "a member leaves before anybody knows what its service takes",
    edits: edit(
      "rotate/prove.ts",
      `if (answer.pending === "unknown") return { kind: "waiting",`,
      `if (answer.pending === "unknown") return { kind: "left", dead: false,`,
    ),
    test: singleCuts,
  },
  {
    law: 7,
    name: "a secret without a value is due",
    edits: edit(
      "plan/agenda.ts",
      `if (rotateEveryMs === null || versionAt(state, "current") === undefined) return undefined`,
      `if (rotateEveryMs === null || versionAt.length === 0) return undefined`,
    ),
    test: { file: "test/plan/agenda.test.ts" },
  },
  {
    law: 8,
    name: "due at the first tick after the age, not at the last before",
    edits: edit(
      "plan/due.ts",
      `return last !== undefined && last.getTime() > rotatedAt.getTime() ? last : schedule.next(rotatedAt)`,
      `return last === undefined ? schedule.next(rotatedAt) : schedule.next(oldest)`,
    ),
    test: { file: "test/plan/due.test.ts" },
  },
  {
    law: 8,
    name: "a clock that has leapt is trusted",
    edits: edit("app/service/clock-watch.ts", `return this.#isSteady`, `return true`),
    test: { file: "test/app/daemon-clock.test.ts", name: "leaps by more than a day" },
  },
  {
    law: 8,
    name: "a grace ends by the wall clock under a service that lives",
    edits: edit(
      "core/graces.ts",
      `const end = before?.get(key) ?? passed +`,
      `const end = passed +`,
    ),
    test: { file: "test/app/daemon-clock.test.ts", name: "leap of the wall clock under" },
  },
  {
    law: 8,
    name: "what a clock that was ahead has promised is kept",
    edits: edit(
      "core/instants.ts",
      `  if (since === undefined || !isAhead(since, now)) return { ...version, madeAt }`,
      `  if (since !== undefined) return { ...version, madeAt }`,
    ),
    test: { file: "test/core/instants.test.ts", name: "the grace is ten minutes" },
  },
  {
    law: 8,
    name: "what was adopted counts as new",
    edits: edit(
      "plan/due.ts",
      `return isUndated(state) ? "undated" : "age"`,
      `return state.versions.length === 0 ? "undated" : "age"`,
    ),
    test: { file: "test/plan/due.test.ts", name: "of unknown age" },
  },
  {
    law: 9,
    name: "the old value is taken away before the new one is promoted",
    edits: edit(
      "rotate/forward.ts",
      `  const unhealthy = await restartAll(session)
  const rest = `,
      `  for (const name of going) {
    const { current, pending } = await session.versions(name)
    if (current !== undefined && pending !== undefined && driverOf(session, name).overlap === "both") await driverOf(session, name).revoke(current, pending, { endSessions: false }, session.work.stop)
  }
  const unhealthy = await restartAll(session)
  const rest = `,
    ),
    test: orderOfServices,
  },
  {
    law: 9,
    name: "outputs are drafted after the service has the value",
    edits: edit(
      "rotate/forward.ts",
      `  if (options.fresh) {
    try {`,
      `  if (options.fresh && members.length === 0) {
    try {`,
    ),
    test: { file: "test/crash/order.test.ts", name: "is drafted before", binary: true },
  },
  {
    law: "always",
    name: "an output is touched before its file system was asked",
    edits: edit("app/gated-output.ts", `if (mount !== undefined) throw silent(target, mount)`, ``),
    test: { file: "test/app/silent-output.test.ts", name: "an output" },
  },
]
