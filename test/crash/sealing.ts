import type { Credential } from "../../src/core/ports.ts"
import { Secret } from "../../src/core/secret.ts"
import type { Version } from "../../src/core/version.ts"
import type { Vault } from "../../src/rotate/work.ts"

/** The vault of the simulated world: it keeps values in clear text. */

export function valueOf(credential: Credential): string {
  const { password } = credential.fields as { readonly password: string | Secret }
  return password instanceof Secret ? password.reveal() : password
}

export function sealNow(
  credential: Credential,
): Pick<Version, "clear" | "sealed" | "fingerprints"> {
  const user = credential.fields["user"]
  return {
    clear: typeof user === "string" ? { user } : {},
    sealed: valueOf(credential),
    fingerprints: {},
  }
}
export function openNow(version: Version): Credential {
  return {
    version: version.id,
    fields: { ...version.clear, password: new Secret("x", version.sealed) },
  }
}
export const vault: Vault = {
  seal: (_, credential) => Promise.resolve(sealNow(credential)),
  open: (_, version) => Promise.resolve(openNow(version)),
  sealBytes: (_, bytes) => Promise.resolve(Buffer.from(bytes).toString()),
  openBytes: (_, sealed) => Promise.resolve(Buffer.from(sealed)),
  fingerprint: (bytes) => Buffer.from(bytes).toString(),
}
