import {
  constants,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyLike,
} from "node:crypto"

/** JSON Web Tokens (RFC 7519), for stand-ins that make and judge them. */

type Part = Readonly<Record<string, unknown>>
export type ReadToken = {
  readonly header: Part
  readonly claims: Part
  isSignedBy(key: KeyLike): boolean
}

export function makeToken(claims: Part, privateKey: string, header: Part = {}): string {
  const said = [{ alg: "RS256", typ: "JWT", ...header }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".")
  const signature = sign("sha256", Buffer.from(said), createPrivateKey(privateKey))
  return `${said}.${signature.toString("base64url")}`
}

/** undefined: no token. */
export function readToken(text: string): ReadToken | undefined {
  const [head = "", body = "", signature = "", ...more] = text.split(".")
  if (more.length > 0 || signature === "") return undefined
  try {
    const header = partOf(head)
    return {
      header,
      claims: partOf(body),
      isSignedBy: (key) => isSigned(`${head}.${body}`, signature, String(header["alg"]), key),
    }
  } catch {
    return undefined
  }
}

function partOf(text: string): Part {
  return JSON.parse(Buffer.from(text, "base64url").toString()) as Part
}

/** RS256 and PS256 (RFC 7518, 3.3 and 3.5); no other is taken. */
function isSigned(text: string, signature: string, algorithm: string, key: KeyLike): boolean {
  if (algorithm !== "RS256" && algorithm !== "PS256") return false
  const padding =
    algorithm === "PS256"
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}
  return verify(
    "sha256",
    Buffer.from(text),
    { key: createPublicKey(key as string), ...padding },
    Buffer.from(signature, "base64url"),
  )
}
