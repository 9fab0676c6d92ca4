import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { StrictAzure } from "./servers/strict-azure.ts"

/**
 * What stands in for the Azure CLI: a program `az` in a folder of its own, which takes the one command that its
 * documentation gives for a token, and prints what the real one prints.
 */
export class AzureCli {
  readonly folder: string
  readonly #azure: StrictAzure

  constructor(folder: string, azure: StrictAzure) {
    this.folder = folder
    this.#azure = azure
    mkdirSync(folder, { recursive: true })
    const asked = "account get-access-token --output json --resource https://vault.azure.net"
    const lines = [
      "#!/bin/sh",
      `case "$*" in "${asked}"|"${asked} --tenant ${azure.tenant}") exec cat '${this.#answer}';; esac`,
      'echo "ERROR: unrecognized arguments" >&2; exit 2',
    ]
    writeFileSync(join(folder, "az"), `${lines.join("\n")}\n`)
    chmodSync(join(folder, "az"), 0o755)
    this.logIn()
  }

  get #answer(): string {
    return join(this.folder, "answer.json")
  }

  /** From now on it prints another token. */
  logIn(token = this.#azure.token({ upn: "ada@shop.test", jti: crypto.randomUUID() })): void {
    const ends = Math.floor(Date.now() / 1000) + 3600
    writeFileSync(
      this.#answer,
      JSON.stringify({
        accessToken: token,
        expiresOn: new Date(ends * 1000).toISOString().replace("T", " ").replace("Z", "000"),
        expires_on: ends,
        subscription: crypto.randomUUID(),
        tenant: this.#azure.tenant,
        tokenType: "Bearer",
      }),
    )
  }
}
