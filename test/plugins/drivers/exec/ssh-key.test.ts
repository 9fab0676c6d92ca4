import { describe, expect, test } from "bun:test"
import { chmod, readFile, stat, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "../../../support/temp-folder.ts"

/**
 * The worked example in config/, without a server: its keys and its file. The suite in conformance/
 * logs in with it.
 */
const program = new URL("../../../../config/exec-ssh-key", import.meta.url).pathname
const lacks = ["python3", "openssl", "ssh-keygen"].find(
  (name) => Bun.which(name, { PATH: "/usr/bin:/bin" }) === null,
)

type Ran = { readonly code: number; readonly out: string; readonly err: string }

async function run(
  stdin: string,
  env: Readonly<Record<string, string>> = {},
  ...args: readonly string[]
): Promise<Ran> {
  const child = Bun.spawn([program, ...args], {
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: "/usr/bin:/bin", ...env },
  })
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { code, out, err }
}

function ask(
  verb: string,
  about: object,
  file: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const document = { mycelium: 1, verb, secret: "production/key", holds: "two", ...about }
  return run(JSON.stringify(document), {
    AUTHORIZED_KEYS: file,
    TARGET: "a@b",
    KNOWN_HOSTS: "/dev/null",
    ...more,
  })
}
const apply = (
  password: string,
  file: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Ran> => ask("apply", { next: { version: "v2", password } }, file, more)

describe.skipIf(lacks !== undefined)(
  `config/exec-ssh-key${lacks === undefined ? "" : ` (skipped: this machine lacks ${lacks})`}`,
  () => {
    test("makes one key of one value, which ssh-keygen reads", async () => {
      await using folder = await temporaryFolder()
      const [one, again, other] = [
        await run("a-value\n", {}, "private-key"),
        await run("a-value", {}, "private-key"),
        await run("another", {}, "private-key"),
      ]
      expect(one.out).toBe(again.out)
      expect(one.out).not.toBe(other.out)
      const file = join(folder.path, "key")
      await writeFile(file, one.out, { mode: 0o600 })
      const read = Bun.spawnSync(["ssh-keygen", "-y", "-f", file])
      expect(read.stdout.toString().split(" ").slice(0, 2).join(" ").trim()).toBe(
        (await run("a-value", {}, "public-key")).out.trim(),
      )
      expect(read.exitCode).toBe(0)
    })

    test("adds and removes its own line, and leaves all others, the mode and the owner as they are", async () => {
      await using folder = await temporaryFolder()
      const file = join(folder.path, "authorized_keys")
      const before = "# ours\nssh-ed25519 AAAAother person@host\n"
      await writeFile(file, before)
      await chmod(file, 0o640)
      await apply("first", file, { KEY_OPTIONS: 'restrict,command="/bin/true"' })
      await apply("second", file)
      const both = (await readFile(file, "utf8")).split("\n")
      expect(both[2]).toMatch(
        /^restrict,command="\/bin\/true" ssh-ed25519 AAAA\S+ mycelium:production\/key:v2$/,
      )
      expect(both).toHaveLength(5)
      await ask(
        "revoke",
        { old: { version: "v1", password: "first" }, live: { version: "v2", password: "second" } },
        file,
      )
      await ask("forget", { known: [{ version: "v2", password: "second" }] }, file)
      expect(await readFile(file, "utf8")).toBe(before)
      expect((await stat(file)).mode & 0o777).toBe(0o640)
    })

    test("writes nothing where nothing is to change, and makes a file that is missing private", async () => {
      await using folder = await temporaryFolder()
      const file = join(folder.path, "authorized_keys")
      expect((await apply("first", file)).out).toBe('{"mycelium": 1}\n')
      const { ino, mode } = await stat(file)
      expect(mode & 0o777).toBe(0o600)
      await apply("first", file)
      expect((await stat(file)).ino).toBe(ino)
    })

    test("follows no link, and says no value", async () => {
      await using folder = await temporaryFolder()
      const [file, target] = [join(folder.path, "authorized_keys"), join(folder.path, "shadow")]
      await writeFile(target, "root:x\n")
      await symlink(target, file)
      const { code, err } = await apply("a-secret-value", file)
      expect(err).toContain("cannot read")
      expect(err).not.toContain("a-secret-value")
      expect(code).toBe(1)
      expect(await readFile(target, "utf8")).toBe("root:x\n")
    })

    test("says in describe what it lacks, and refuses what is not its protocol", async () => {
      expect((await ask("describe", {}, "/nowhere/authorized_keys")).err).toContain(
        "/nowhere is not there",
      )
      const { code } = await run(JSON.stringify({ mycelium: 2, verb: "apply" }))
      expect(code).toBe(64)
      expect((await run("", {}, "--help")).code).toBe(64)
    })
  },
)
