import { cli, edit, type Mutant, order } from "./mutant.ts"

/** What the engine stands on: files, locks, the state, hooks. */
export const ground: readonly Mutant[] = [
  {
    law: 1,
    name: "the folder is not synced",
    edits: edit(
      "base/files/durable-write.ts",
      `        await refuseSwapped(spot, made)
        await syncOf(folder)`,
      `        await refuseSwapped(spot, made)`,
    ),
    test: order,
  },
  {
    law: 1,
    name: "the draft is not synced",
    edits: edit(
      "base/files/draft-file.ts",
      `    if (options.trial !== true) await slow.sync(file)`,
      `    await disk.stat(file)`,
    ),
    test: order,
  },
  {
    law: "always",
    name: "a link of another user is followed",
    edits: edit(
      "base/files/folder-walk.ts",
      `if (!this.#keeps(stats) || this.#held !== undefined) throw`,
      `if (this.#held !== undefined) throw`,
    ),
    test: cli("hostile", "a link in a folder of theirs"),
  },
  {
    law: "always",
    name: "a planted file says who reads the values",
    edits: edit(
      "plugins/outputs/file/planted.ts",
      `if (keeper === "ours") return`,
      `if (keeper !== "ours") return`,
    ),
    test: cli("hostile", "an empty file, in a sticky folder"),
  },
  {
    law: 9,
    name: "a program is restarted while our login still has its seat",
    edits: edit("rotate/restart-all.ts", `    await drained(session, set.secrets)\n`, ``),
    test: cli("one-seat", "delays the restart, not the file"),
  },
  {
    law: "always",
    name: "a draft is made readable by all",
    edits: edit("base/files/disk.ts", `const mode = 0o600`, `const mode = 0o644`),
    test: order,
  },
  {
    law: 1,
    name: "the audit log is not synced",
    edits: edit(
      "base/files/durable-write.ts",
      `    await slow.dataSync(file)`,
      `    await disk.stat(file)`,
    ),
    test: order,
  },
  {
    law: "always",
    name: "an edited state is taken",
    edits: edit(
      "record/ledger.ts",
      `if (found !== undefined) checkMac(this.#place, found, this.#mac)`,
      `if (found !== undefined && this.#mac.length === 0) checkMac(this.#place, found, this.#mac)`,
    ),
    test: cli("bad-state", "one byte of metadata"),
  },
  {
    law: 7,
    name: "an older state is taken",
    edits: edit(
      "record/ledger.ts",
      `if (end.serial <= document.serial && !cut) return { document }`,
      `if (end.serial <= document.serial + 1_000_000 && !cut) return { document }`,
    ),
    test: cli("bad-state", "an older copy"),
  },
  {
    law: "always",
    name: "another environment's state is taken",
    edits: edit(
      "record/state-file.ts",
      `if (parsed.project !== place.project || parsed.environment !== place.environment) {`,
      `if (parsed.project !== place.project) {`,
    ),
    test: cli("bad-state", "of another environment"),
  },
  {
    law: 7,
    name: "lost keys are replaced",
    edits: edit(
      "record/keys.ts",
      `if (await storeHasState(store)) throw keysMissing(store)`,
      `if (store === "") throw keysMissing(store)`,
    ),
    test: cli("bad-state", "whose keys are missing"),
  },
  {
    law: "always",
    name: "keys that were made without the identity are accepted",
    edits: edit(
      "record/binding.ts",
      `if (!verified) throw unverified(path)`,
      `if (!verified && identities.length === 0) throw unverified(path)`,
    ),
    test: cli("forged-store", "is refused by all"),
  },
  {
    law: "always",
    name: "a password goes to any program that has taken the port",
    edits: edit(
      "plugins/drivers/server/listener.ts",
      `const isOther = !trusted && wanted !== undefined && wanted !== owner`,
      `const isOther = !trusted && wanted !== undefined && wanted !== owner && message === ""`,
    ),
    test: {
      file: "test/faults/impostor.test.ts",
      name: "neither the current nor the admin",
      binary: true,
    },
  },
  {
    law: 3,
    name: "what a killed run has sent to RabbitMQ is not waited for",
    edits: edit(
      "plugins/drivers/rabbitmq/settle.ts",
      `if (rest > 0) await this.#host.pause(rest, signal)`,
      `if (rest > settleMs) await this.#host.pause(rest, signal)`,
    ),
    test: { file: "test/plugins/drivers/rabbitmq/settle.test.ts", name: "waits once" },
  },
  {
    law: 3,
    name: "RabbitMQ's refusal is believed though the admin sees that password there",
    edits: edit(
      "plugins/drivers/rabbitmq/probe.ts",
      `isKnown(account.stored) && !isHeld(candidate, account.stored)`,
      `isKnown(account.stored)`,
    ),
    test: {
      file: "test/plugins/drivers/rabbitmq/probe.test.ts",
      name: "refuses a password which the admin sees",
    },
  },
  {
    law: "always",
    name: "a program that another user can change is run",
    edits: edit(
      "base/files/command-files.ts",
      `const found = await changeableIn(command)
  if (found !== undefined) throw refusalOf(found)`,
      `const found = await changeableIn(command)
  if (found?.path === "") throw refusalOf(found)`,
    ),
    test: cli("hook-writable", "is not run by a containment"),
  },
  {
    law: "always",
    name: "a MariaDB account that was shut keeps a containment away",
    edits: edit(
      "plugins/drivers/mariadb/apply.ts",
      `if (contain) await reopen(target, connection, hash)`,
      ``,
    ),
    test: {
      file: "test/plugins/drivers/mariadb/shut-out.test.ts",
      name: "a containment ends",
    },
  },
  {
    law: "always",
    name: "a file that a process of another user has open is written into",
    edits: edit(
      "plugins/outputs/file/draft.ts",
      `if (present !== undefined && restores !== true) await refuseHeldOpen(file, present.stats)`,
      ``,
    ),
    test: cli("held-open", "who has it open"),
  },
  {
    law: "always",
    name: "a rotation takes a RabbitMQ user's tags away",
    edits: edit(
      "plugins/drivers/rabbitmq/api.ts",
      `hashing_algorithm: algorithm, tags }`,
      `hashing_algorithm: algorithm, tags: tags.slice(0, 0) }`,
    ),
    test: {
      file: "test/plugins/drivers/rabbitmq/apply.test.ts",
      name: "changes the password alone",
    },
  },
  {
    law: "always",
    name: "a connection that waited since before a value dates it",
    edits: edit(
      "plugins/drivers/mariadb/apply.ts",
      `{ isNew: true }`,
      `{ isNew: next.version === "" }`,
    ),
    test: {
      file: "test/plugins/drivers/server/connection-pool-others.test.ts",
      name: "a session that began while the admin's connection waited",
    },
  },
  {
    law: "always",
    name: "a connection that no program has accepted is taken for root's",
    edits: edit(
      "base/system/other-end.ts",
      `return inode === 0 ? "waiting" : named(uid, read)`,
      `return inode < 0 ? "waiting" : named(uid, read)`,
    ),
    test: { file: "test/base/system/other-end.test.ts", name: "nobody, as long as it waits" },
  },
  {
    law: "always",
    name: "the kernel's word on another socket is taken",
    edits: edit(
      "base/system/socket-diag.ts",
      `return isAsked ? {`,
      `return length > 0 || isAsked ? {`,
    ),
    test: { file: "test/base/system/socket-diag.test.ts", name: "another" },
  },
  {
    law: "always",
    name: "a value of another project opens",
    edits: edit(
      "record/vault.ts",
      "this.#whole = `${project}/${environment}`",
      "this.#whole = `${project.slice(0, 0)}/${environment}`",
    ),
    test: cli("forged-store", "a value of another project"),
  },
  {
    law: "always",
    name: "two processes make keys for one store",
    edits: edit(
      "record/keys.ts",
      `return waitForLock(join(store, "keys.lock"), holder)`,
      `return waitForLock(join(store, \`keys-\${process.pid}.lock\`), holder)`,
    ),
    test: cli("first", "share its keys"),
  },
  {
    law: "always",
    name: "two processes work on one environment",
    edits: edit(
      "base/files/lock.ts",
      `return { heldBy: heldBy ?? "another process" }`,
      `return { release: () => undefined }`,
    ),
    test: cli("bad-input", "another process holds the lock"),
  },
  {
    law: 7,
    name: "an unknown value in a file is overwritten",
    edits: edit(
      "plugins/outputs/variables/drift.ts",
      `    if (!present.has(name) || value === ""`,
      `    if (name !== "" || !present.has(name) || value === ""`,
    ),
    test: cli("bad-input", "a value that is in no version"),
  },
  {
    law: 2,
    name: "a hook of a killed run is not ended first",
    edits: edit(
      "restart/restart-deployment.ts",
      `first || seenToEnd.get(deployment) === mark || only?.length === 0 ? undefined :`,
      `mark !== "" ? undefined :`,
    ),
    test: cli("rotate-killed", "ends the old hook first"),
  },
  {
    law: 1,
    name: "the mark of programs is not in the state before they begin",
    edits: edit(
      "rotate/session/place.ts",
      `if (before === undefined) return { id, clock, since }`,
      `if (before === undefined) return before`,
    ),
    test: {
      file: "test/rotate/elsewhere.test.ts",
      name: "the mark of its programs is durable",
    },
  },
  {
    law: "always",
    name: "a hook's output gets into the message",
    edits: edit(
      "plugins/run-hook.ts",
      `throw new AppError("restart-failed", failure.message, {`,
      `throw new AppError("restart-failed", \`\${failure.message}: \${result.stdout}\`, {`,
    ),
    test: cli("rotate-back", "without the hook's words"),
  },
  {
    law: "always",
    name: "our environment reaches the hooks",
    edits: edit(
      "base/processes/spawn.ts",
      `const env = { PATH: safePath, ...options.env }`,
      `const env = { PATH: safePath, ...(process.env as Record<string, string>), ...options.env }`,
    ),
    test: cli("rotate-back", "passes nothing of our environment"),
  },
  {
    law: 3,
    name: "a service that takes any password is rotated",
    edits: edit(
      "rotate/preflight/probes.ts",
      `if (control === "accepted") return [acceptsAnything]`,
      `if (control === "unknown") return [acceptsAnything]`,
    ),
    test: cli("bad-input", "without a password"),
  },
]
