import { test } from "bun:test"
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Output } from "../../../../src/core/ports.ts"
import { dotenv } from "../../../../src/plugins/outputs/dotenv/index.ts"
import { errorOf } from "../../../support/error-of.ts"
import { temporaryFolder } from "../../../support/temp-folder.ts"

/**
 * Two users' folders, for tests that run as root: what another user can put on the way to an
 * output.
 */

export const asRoot = process.geteuid?.() === 0
export const [app, other] = [4242, 4343]

export type Ground = { readonly root: string; readonly app: string; readonly outside: string }

/**
 * A folder of the application beside one of root, with a file of each name that an output could hit
 * there.
 */
export function hostile(title: string, run: (ground: Ground) => Promise<void>): void {
  test.skipIf(!asRoot)(
    `${title}${asRoot ? "" : " (skipped: needs root, for files of two users)"}`,
    async () => {
      await using temporary = await temporaryFolder()
      chmodSync(temporary.path, 0o711)
      const ground = {
        root: temporary.path,
        app: join(temporary.path, "app"),
        outside: join(temporary.path, "outside"),
      }
      folderOf(ground.app, app)
      mkdirSync(join(ground.outside, "run"), { recursive: true })
      await run(ground)
    },
  )
}

export function folderOf(path: string, uid: number, mode = 0o755): string {
  mkdirSync(path)
  chownSync(path, uid, uid)
  chmodSync(path, mode)
  return path
}
export function fileOf(path: string, uid: number, text = "", mode = 0o600): string {
  writeFileSync(path, text)
  chownSync(path, uid, uid)
  chmodSync(path, mode)
  return path
}
export const env = (folder: string, more: object = {}): Output =>
  dotenv.open(
    dotenv.options.parse({ dotenv: ".env", variables: { PASSWORD: "{{ db.password }}" }, ...more }),
    { folder, label: "production" },
  )
export const codeOf = async (act: Promise<unknown>): Promise<string> => (await errorOf(act)).code
