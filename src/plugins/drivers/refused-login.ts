import type { Finding } from "../../core/ports.ts"

/** A login that the server refuses: whose, and what a person does about it. */

/** `label`: "production/postgres". `who`: "role shop", "user shop". */
export function ownRefused(label: string, who: string, detail: string): Finding {
  const [environment = ""] = label.split("/")
  return {
    code: "password-refused",
    severity: "error",
    says: `the server refuses the current value of ${label}, the password of ${who}: somebody else has changed it${detail}`,
    remedy: `put the password that works into the output, then mycelium adopt ${environment}; or set it back at the server`,
  }
}

export function adminRefused(says: string, user: string): Finding {
  return { code: "password-refused", severity: "error", says, remedy: `it is the password of the admin, ${user}: correct what the config names for it` }
}
