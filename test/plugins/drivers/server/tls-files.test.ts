import { expect, test } from "bun:test"
import { chmod, chown, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { readPem } from "../../../../src/plugins/drivers/server/tls.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"

/** Who can change the authority that a server is believed by chooses the server that gets the password. */

const pem = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n"

async function laid(): Promise<{ folder: string; file: string } & AsyncDisposable> {
  const temp = await temporaryFolder()
  const folder = join(temp.path, "certificates")
  await mkdir(folder, { mode: 0o755 })
  const file = join(folder, "ca.pem")
  await writeFile(file, pem, { mode: 0o644 })
  return { folder, file, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() }
}

test("a file that this user alone can change is read", async () => {
  await using at = await laid()
  expect(await readPem(at.file, "CERTIFICATE")).toBe(pem)
})

test("one that others can write is refused, with what closes it", async () => {
  await using at = await laid()
  await chmod(at.file, 0o666)
  await expect(readPem(at.file, "CERTIFICATE")).rejects.toMatchObject({
    code: "tls-file-open",
    hint: expect.stringContaining(`chmod go-w ${at.file}`),
  })
})

test("so is one in a folder in which others can write", async () => {
  await using at = await laid()
  await chmod(at.folder, 0o777)
  await expect(readPem(at.file, "CERTIFICATE")).rejects.toMatchObject({
    code: "tls-file-open",
    hint: expect.stringContaining(`chmod go-w ${at.folder}`),
  })
})

// Only root can give a file away.
test.skipIf(process.geteuid?.() !== 0)("so is one of another user", async () => {
  await using at = await laid()
  await chown(at.file, 30_001, 30_001)
  await expect(readPem(at.file, "CERTIFICATE")).rejects.toMatchObject({
    code: "tls-file-open",
    message: expect.stringContaining("30001"),
  })
  await chown(at.file, 0, 0)
  await chown(at.folder, 30_001, 30_001)
  await expect(readPem(at.file, "CERTIFICATE")).rejects.toMatchObject({ code: "tls-file-open" })
})
