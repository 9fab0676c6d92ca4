import { readFile } from "node:fs/promises"
import { sshdPrograms } from "../../../../scripts/servers/sshd.ts"
import type { Driver } from "../../../../src/core/ports.ts"
import { exec } from "../../../../src/plugins/drivers/exec/index.ts"
import { startSshd } from "../../../support/servers/sshd.ts"
import { type Harness, type Service, context, text } from "./harness.ts"
import { driverSuite } from "./suite.ts"

/** The worked example in config/, against a real sshd. */
const program = new URL("../../../../config/exec-ssh-key", import.meta.url).pathname

const found = await sshdPrograms()
const lacks = found.found
  ? ["python3", "openssl", "ssh", "ssh-add", "ssh-agent", "ssh-keygen"].find(
      (name) => Bun.which(name, { PATH: "/usr/bin:/bin:/usr/local/bin" }) === null,
    )
  : `sshd: ${found.why}`

async function start(): Promise<Service> {
  const server = await startSshd(found)
  const open = (more: Readonly<Record<string, string>> = {}): Driver =>
    exec.open(
      exec.options.parse({
        command: [program],
        holds: "two",
        env: {
          AUTHORIZED_KEYS: server.authorizedKeys,
          TARGET: server.target,
          KNOWN_HOSTS: server.knownHosts,
          ...more,
        },
      }),
      context(server.folder),
    )
  const current = { version: "v1", fields: open().generate({ uncertain: [] }, text) }
  await open().apply(current, { uncertain: [] }, AbortSignal.timeout(10_000))
  return {
    current,
    open: () => open(),
    stored: () => readFile(server.authorizedKeys, "utf8"),
    stop: () => server.stop(),
    hang: async () => server.signal("SIGSTOP"),
    resume: async () => {
      if (server.runs) server.signal("SIGCONT")
      else await server.start()
    },
    faulty: () => [
      open({ AUTHORIZED_KEYS: "/nowhere/authorized_keys" }),
      open({ AUTHORIZED_KEYS: "/proc/authorized_keys" }),
      open({ TARGET: "nobody" }),
    ],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const harness: Harness = {
  start,
  skips: {
    "throws from apply where the service is out of reach or hangs, and comes through it":
      "apply writes a file; sshd has no part in it",
  },
  ...(lacks === undefined ? {} : { noService: `this machine lacks ${lacks}` }),
}

driverSuite("exec, config/exec-ssh-key", harness)
