import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { identitiesIn } from "../../src/core/seal.ts"
import type { StateDocument } from "../../src/core/state.ts"
import { Secret } from "../../src/core/secret.ts"
import { AgeVault } from "../../src/record/vault.ts"
import { openKeys } from "../../src/record/keys.ts"
import { readState } from "../../src/record/state-file.ts"
import type { Project } from "./mycelium.ts"

/** What lies in the state, opened with the identity: as a person would who has nothing but the disk. */

export type Opened = {
  readonly id: string
  readonly stage: string
  readonly password: string | undefined
}

export async function stateOf(
  project: Project,
  environment = "production",
): Promise<StateDocument | undefined> {
  return readState({ store: project.store, project: "shop", environment })
}

/** Every version of one secret; none where there is no state yet. */
export async function versionsOf(
  project: Project,
  secret: string,
  environment = "production",
): Promise<readonly Opened[]> {
  return (await loginsOf(project, secret, environment)).map(({ id, stage, password }) => ({
    id,
    stage,
    password,
  }))
}

/** The same, with whom a version logs in. */
export async function loginsOf(
  project: Project,
  secret: string,
  environment = "production",
): Promise<readonly (Opened & { readonly user: string | undefined })[]> {
  const document = await stateOf(project, environment)
  const versions = document?.secrets[secret]?.versions ?? []
  if (versions.length === 0) return []
  const identities = identitiesIn(readFileSync(project.identityFile, "utf8"))
  const vault = new AgeVault(await openKeys(project.store, { identities, recipients: [] }), {
    project: "shop",
    environment,
  })
  return Promise.all(
    versions.map(async (version) => {
      const { user, password } = (await vault.open(secret, version)).fields
      return {
        id: version.id,
        stage: version.stage.kind,
        user: typeof user === "string" ? user : undefined,
        password: password instanceof Secret ? password.reveal() : undefined,
      }
    }),
  )
}

/**
 * What is wrong with the chain of the audit log: each line carries its number and the hash of the
 * one before. A torn line is none.
 */
export function auditFaults(project: Project, environment = "production"): readonly string[] {
  const faults: string[] = []
  let head = "0".repeat(64)
  let count = 0
  if (!existsSync(project.auditPath(environment))) return ["there is no audit log"]
  for (const line of readFileSync(project.auditPath(environment), "utf8").split("\n")) {
    const parsed = parse(line)
    if (parsed === undefined) continue
    if (parsed.n !== count + 1) faults.push(`line ${count + 1} is numbered ${parsed.n}`)
    if (parsed.prev !== head) faults.push(`line ${parsed.n} does not follow the one before`)
    count = parsed.n
    head = createHash("sha256").update(line).digest("hex")
  }
  return faults
}

function parse(line: string): { readonly n: number; readonly prev: string } | undefined {
  try {
    return JSON.parse(line) as { readonly n: number; readonly prev: string }
  } catch {
    return undefined
  }
}
