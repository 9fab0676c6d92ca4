import { z } from "zod"

/**
 * What a token of Microsoft Entra ID says of itself. It is read for people: who may do what is
 * Azure's to judge.
 */

const word = z
  .string()
  .regex(/^[!-~]{1,200}$/)
  .optional()
  .catch(undefined)
const Claims = z.object({
  tid: word,
  oid: word,
  appid: word,
  azp: word,
  upn: word,
  unique_name: word,
  xms_mirid: word,
})
export type Claims = z.output<typeof Claims>

export function claimsIn(token: string): Claims {
  try {
    const [, body = ""] = token.split(".")
    return Claims.parse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")))
  } catch {
    return Claims.parse({})
  }
}

/** "application 1b2c… (object 7d…), tenant 9f3e…". */
export function sayIdentity(claims: Claims): string {
  const tenant = claims.tid === undefined ? "" : `, tenant ${claims.tid}`
  const user = claims.upn ?? claims.unique_name
  if (user !== undefined) return `${user}${tenant}`
  const application = claims.appid ?? claims.azp
  const object = claims.oid === undefined ? "" : ` (object ${claims.oid})`
  if (application === undefined) return `a login of Azure${object}${tenant}`
  return `${kindOf(claims)} ${application}${object}${tenant}`
}

function kindOf({ xms_mirid }: Claims): string {
  return xms_mirid === undefined ? "application" : "managed identity"
}
